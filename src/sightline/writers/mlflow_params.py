"""A configuration as MLflow's parameters."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sightline.writers.mlflow_names import mlflow_name
from sightline.writers.tables import flatten

if TYPE_CHECKING:
    from mlflow import MlflowClient

PARAMS_A_REQUEST = 100  # what MLflow takes
MAX_PARAM_LENGTH = 6000
WHOLE = "config.json"


def log_params(client: MlflowClient, run_id: str, config: Mapping[str, Any]) -> None:
    """Log a configuration.

    MLflow never changes a parameter, and cuts a long one. Where it cannot hold the configuration,
    a sentence on stderr says so, and the file `config.json` of the run has all of it.

    Args:
        client: A client.
        run_id: The run.
        config: Values by name; nested mappings become dotted names.
    """
    from mlflow.entities import Param

    known = client.get_run(run_id).data.params
    params: dict[str, str] = {}
    shortcomings: list[str] = []
    for tag, value in flatten(config):
        text = str(value)
        try:
            name = mlflow_name(tag)
        except ValueError:
            shortcomings.append(f"no name as long as {tag[:40]!r}...")
            continue
        if len(text) > MAX_PARAM_LENGTH:
            shortcomings.append(f"{MAX_PARAM_LENGTH} of the {len(text)} characters of {name!r}")
            text = text[:MAX_PARAM_LENGTH]
        if name not in known:
            params[name] = text
        elif not _are_equal(known[name], text):
            shortcomings.append(f"{name!r} as {known[name][:40]!r}, not {text[:40]!r}")
    entries = [Param(name, text) for name, text in params.items()]
    for start in range(0, len(entries), PARAMS_A_REQUEST):
        client.log_batch(run_id, params=entries[start : start + PARAMS_A_REQUEST])
    if shortcomings:
        client.log_text(run_id, json.dumps(config, default=str, indent=2), WHOLE)
        print(
            f"sightline: of the configuration, MLflow keeps {'; '.join(shortcomings)}; "
            f"the file {WHOLE} of the run has all of it",
            file=sys.stderr,
        )


def _are_equal(one: str, other: str) -> bool:
    """Whether two parameters say the same: 64 is 64.0."""
    try:
        return one == other or float(one) == float(other)
    except ValueError:
        return False
