"""Configurations: what a file and the command line may say, checked before anything is trained.

A recipe declares its options as `Config` models. `load_config` fills them from a YAML file and
from ``key.sub=value`` overrides, and answers everything that does not fit with a `ConfigError` of
one sentence.
"""

import difflib
import json
import re
import reprlib
from collections.abc import Hashable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

Scalar: TypeAlias = bool | int | float | str | None
ConfigT = TypeVar("ConfigT", bound=BaseModel)


class ConfigError(ValueError):
    """A configuration that cannot be used; the message is one sentence for its author."""


class Config(BaseModel):
    """The base of all options: frozen, defaults checked, unknown keys and NaN refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False
    )


def load_config(
    config_cls: type[ConfigT],
    path: str | Path | ConfigT | None = None,
    overrides: Iterable[str] = (),
) -> ConfigT:
    """Read a configuration from a YAML file and overrides, and check it.

    Args:
        config_cls: The model to fill.
        path: A YAML file, or a configuration that was read before. Without one, or with an empty
            one, everything has its default.
        overrides: Settings of the form ``key.sub=value``, applied in order over the file. The
            value is read as YAML, so that ``true``, ``1e-3``, ``null`` and ``[1, 2]`` mean what
            they mean in the file.

    Returns:
        The checked configuration.

    Raises:
        ConfigError: If the file cannot be read, an override has another form, a key is unknown
            or missing, or a value does not fit.

    Example:
        >>> class Training(Config):
        ...     lr: float = 0.1
        >>> class Run(Config):
        ...     training: Training = Training()
        >>> load_config(Run, overrides=["training.lr=1e-3"]).training.lr
        0.001
        >>> try:
        ...     load_config(Run, overrides=["training.lrr=1e-3"])
        ... except ConfigError as error:
        ...     print(str(error).split("; ")[1])
        the nearest known key is 'training.lr'.
    """
    values: dict[Any, Any]
    if isinstance(path, BaseModel):
        values = path.model_dump(mode="json")
    else:
        values = {} if path is None else _read_file(Path(path))
    origins: dict[str, str] = {}
    for override in overrides:
        key = _apply(override, values)
        origins[key] = f"the override {override!r}"
    try:
        return config_cls.model_validate(values)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        key = ".".join(map(str, problem["loc"]))
        default = f"'{path}'" if isinstance(path, str | Path) else "the defaults"
        origin = next((origins[k] for k in origins if f"{key}.".startswith(f"{k}.")), default)
        raise ConfigError(_explain(config_cls, key, origin, problem)) from None


def to_yaml(config: BaseModel) -> str:
    """Write a configuration as YAML that `load_config` reads back to an equal one.

    Args:
        config: The configuration.

    Returns:
        YAML text, keys in the order of their declaration.

    Example:
        >>> class Training(Config):
        ...     epochs: int = 3
        >>> print(to_yaml(Training()), end="")
        epochs: 3
    """
    values = config.model_dump(mode="json")
    return yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def flatten(config: BaseModel) -> dict[str, Scalar]:
    """List a configuration as scalars under dotted keys, as hyperparameter tables want it.

    Args:
        config: The configuration.

    Returns:
        Each key with its value; a list is one value, written as JSON.

    Example:
        >>> class Model(Config):
        ...     depths: tuple[int, ...] = (2, 4)
        >>> class Run(Config):
        ...     model: Model = Model()
        >>> flatten(Run())
        {'model.depths': '[2, 4]'}
    """
    return dict(_leaves(config.model_dump(mode="json"), ()))


def json_schema(config_cls: type[BaseModel]) -> dict[str, Any]:
    """Describe a configuration for editors, which then complete and check its YAML files.

    Args:
        config_cls: The model.

    Returns:
        A JSON Schema, draft 2020-12.

    Example:
        >>> class Training(Config):
        ...     epochs: int = 3
        >>> json_schema(Training)["properties"]["epochs"]["type"]
        'integer'
    """
    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return dialect | config_cls.model_json_schema()


class _Loader(yaml.SafeLoader):
    """YAML without surprises: ``1e-3`` is a number and a key stands once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            if isinstance(key_node, yaml.ScalarNode):
                if key_node.value in seen:
                    raise yaml.constructor.ConstructorError(
                        problem=f"{key_node.value!r} is set twice in one mapping",
                        problem_mark=key_node.start_mark,
                    )
                seen.add(key_node.value)
        return super().construct_mapping(node, deep=deep)


class _Dumper(yaml.SafeDumper):
    """Writes what `_Loader` reads: a string that looks like a number is quoted."""

    def represent_str(self, data: str) -> yaml.ScalarNode:
        # Unquoted, these three are line breaks to a reader, and come back as spaces.
        style = '"' if any(mark in data for mark in "\x85\u2028\u2029") else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Dumper.add_representer(str, _Dumper.represent_str)


for _resolver in (_Loader, _Dumper):
    # YAML 1.1 asks for a dot and a signed exponent; 1.2, and everyone, does not.
    _resolver.add_implicit_resolver(
        "tag:yaml.org,2002:float",
        re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)[eE][-+]?[0-9]+$"),
        list("-+.0123456789"),
    )


def _read_file(path: Path) -> dict[Any, Any]:
    try:
        values = _parse(path.read_bytes())
    except OSError as error:
        raise ConfigError(
            f"Expected a readable configuration file at '{path}', got "
            f"{(error.strerror or str(error)).lower()}; check the path."
        ) from error
    except yaml.YAMLError as error:
        raise ConfigError(f"Expected YAML in '{path}', got {_yaml_problem(error)}.") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(
            f"Expected a mapping of keys to values in '{path}', got {reprlib.repr(values)}; "
            "write 'key: value' lines."
        )
    return values


def _parse(text: bytes | str) -> Any:
    return yaml.load(text, Loader=_Loader)


def _yaml_problem(error: yaml.YAMLError) -> str:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return f"unreadable characters ({' '.join(str(error).split())}); save it as UTF-8 text"
    line = error.problem_mark.line + 1
    return f"a mistake at line {line} ({error.problem or error.context}); correct that line"


def _apply(override: str, values: dict[Any, Any]) -> str:
    key, equals, text = override.partition("=")
    *sections, name = parts = key.strip().split(".")
    if not equals or not all(parts):
        raise ConfigError(
            f"Expected an override of the form key.sub=value, got {override!r}; "
            "write it without spaces, such as training.lr=1e-3."
        )
    try:
        value = _parse(text)
    except yaml.YAMLError as error:
        raise ConfigError(
            f"Expected a YAML value in the override {override!r}, got {text!r}; put text with "
            "special characters in quotes."
        ) from error
    for depth, section in enumerate(sections, start=1):
        if values.get(section) is None:
            values[section] = {}
        values = values[section]
        if not isinstance(values, dict):
            raise ConfigError(
                f"Expected '{'.'.join(parts[:depth])}' to be a section for the override "
                f"{override!r}, got {reprlib.repr(values)}; set the key itself."
            )
    values[name] = value
    return ".".join(parts)


def _explain(config_cls: type[BaseModel], key: str, origin: str, problem: Any) -> str:
    kind, message = problem["type"], problem["msg"]
    if kind == "extra_forbidden":
        known = list(_known_keys(config_cls))
        hint = f"the nearest known key is {_nearest(key, known)!r}" if known else "remove it"
        return f"Expected a known key, got {key!r} in {origin}; {hint}."
    if kind == "missing":
        return f"Expected a value for {key!r}, got none in {origin}; add it."
    if kind == "value_error":  # a validator of ours, which says it all
        return f"{key}: {problem['ctx']['error']}" if key else str(problem["ctx"]["error"])
    got = reprlib.repr(problem["input"])
    if kind in {"model_type", "dict_type"}:
        return f"Expected {key!r} to be a section of keys, got {got}; change it in {origin}."
    # pydantic says "Input should be a valid integer, unable to parse ..."; `got` says the rest.
    rule = re.fullmatch(r"\w+ should (.+?)(, (unable to|got|not) .*)?", message)
    wish = f"{key!r} to {rule[1]}" if rule else f"a valid {key!r} ({message})"
    return f"Expected {wish}, got {got}; change it in {origin}."


def _known_keys(config_cls: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in config_cls.model_fields.items():
        yield prefix + name
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from _known_keys(kind, f"{prefix}{name}.")


def _nearest(key: str, known: Sequence[str]) -> str:
    def likeness(candidate: str) -> float:
        # The last part counts once more: 'lr' is near 'training.lr'.
        pairs = ((key, candidate), (key.split(".")[-1], candidate.split(".")[-1]))
        return sum(difflib.SequenceMatcher(None, *pair).ratio() for pair in pairs)

    return max(known, key=likeness)


def _leaves(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Scalar]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, (*path, str(name)))
    else:
        yield ".".join(path), json.dumps(value) if isinstance(value, list) else value
