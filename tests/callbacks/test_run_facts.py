"""What a run says of where it was made tells no secret."""

from __future__ import annotations

import sys

import pytest

from sightline.callbacks.run_facts import _command


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        ("health.webhook=https://hooks.example.com/T0/secret", "health.webhook=***"),
        ("health.webhook=$SLACK", "'health.webhook=$SLACK'"),
        ("training.lr=1e-3", "training.lr=1e-3"),
    ],
)
def test_the_command_line_hides_the_url_of_a_webhook(
    argument: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["sightline", "train", "hjepa", argument, "seed=1"])
    assert _command() == f"sightline train hjepa {shown} seed=1"
