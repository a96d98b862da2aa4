import json
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, ValidationError, field_validator

from sightline.training.config import (
    Config,
    ConfigError,
    flatten,
    json_schema,
    load_config,
    to_yaml,
)


class Ema(Config):
    momentum: float = Field(0.996, ge=0.0, le=1.0)
    momentum_warmup_epochs: int = 0


class Level(Config):
    weight: float = 1.0
    name: str = ""


class Model(Config):
    ema: Ema = Ema()
    depths: tuple[int, ...] = (2, 4)
    levels: tuple[Level, ...] = ()


class Training(Config):
    lr: float = Field(1e-3, gt=0.0)
    epochs: int = 10
    warmup_epochs: int = 0
    optimizer: Literal["adamw", "sgd"] = "adamw"
    clip_grad: float | None = None

    @field_validator("warmup_epochs")
    @classmethod
    def _even(cls, value):
        if value % 2:
            raise ValueError(f"Expected an even number, got {value}; add one.")
        return value


class Run(Config):
    name: str = "run"
    folder: Path = Path("logs")
    model: Model = Model()
    training: Training = Training()
    tags: dict[str, float] = Field(default_factory=dict)


class Strict(Config):
    seed: int


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "run.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


finite = st.floats(allow_nan=False, allow_infinity=False)
configs = st.builds(
    Run,
    name=st.text(),
    folder=st.just(Path("a/b")),
    model=st.builds(
        Model,
        ema=st.builds(Ema, momentum=st.floats(0.0, 1.0)),
        depths=st.lists(st.integers()).map(tuple),
        levels=st.lists(st.builds(Level, weight=finite, name=st.text()), max_size=2).map(tuple),
    ),
    training=st.builds(
        Training,
        lr=st.floats(0.0, 1e300, exclude_min=True),
        warmup_epochs=st.integers().map(lambda value: 2 * value),
        optimizer=st.sampled_from(["adamw", "sgd"]),
        clip_grad=st.none() | finite,
    ),
    tags=st.dictionaries(st.text(), finite, max_size=3),
)
looks_like_another_type = st.sampled_from([
    "1e-3",
    "1.5e3",
    "-.5E+2",
    "1_000",
    "yes",
    "null",
    "~",
    "0x1F",
    "1:30",
    "2001-01-01",
    "",
    " a",
])
has_odd_characters = st.sampled_from(["\x85", "a\u2028b", "\u2029", "a\nb\n", "\ufeff", "\t#"])


@given(configs)
def test_what_is_written_is_read_back_equal(tmp_path_factory, config):
    path = tmp_path_factory.getbasetemp() / "round_trip.yaml"
    path.write_text(to_yaml(config), "utf-8")
    assert load_config(Run, path) == config


@given(looks_like_another_type | has_odd_characters)
def test_text_stays_the_text_it_is(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "text.yaml"
    path.write_text(to_yaml(Run(name=text)), "utf-8")
    assert load_config(Run, path).name == text


def test_nothing_given_is_all_defaults(file):
    assert load_config(Run) == load_config(Run, file("# all commented out\n")) == Run()


@pytest.mark.parametrize(
    ("text", "value"),
    [("1e-3", 1e-3), ("1E5", 1e5), ("1.5e3", 1.5e3), (".5e-2", 5e-3), ("2.e1", 20.0), ("3", 3.0)],
)
def test_numbers_are_numbers_in_every_usual_spelling(file, text, value):
    class Free(Config):
        anything: object = None

    got = load_config(Free, file(f"anything: {text}")).anything
    assert got == value
    assert isinstance(got, (int, float))


def test_overrides_go_over_the_file_in_order(file):
    path = file("training: {lr: 0.5, epochs: 3}\nmodel:\n")
    config = load_config(
        Run,
        path,
        ["training.lr=0.1", "training.lr=2e-4", "model.ema.momentum=0.9", "model.depths=[1, 2]"],
    )
    assert (config.training.lr, config.training.epochs) == (2e-4, 3)
    assert (config.model.ema.momentum, config.model.depths) == (0.9, (1, 2))


def test_an_override_may_hold_an_equals_sign_and_be_null():
    config = load_config(Run, overrides=["name=a=b", "training.clip_grad=null"])
    assert (config.name, config.training.clip_grad) == ("a=b", None)


def test_a_configuration_cannot_be_changed():
    with pytest.raises(ValidationError):
        Run().training.lr = 1.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "overrides", "message"),
    [
        (
            "training: {warmup_epoch: 3}",
            [],
            "Expected a known key, got 'training.warmup_epoch' in '{path}'; the nearest known key "
            "is 'training.warmup_epochs'.",
        ),
        (
            "",
            ["model.ema.momentun=0.9"],
            "Expected a known key, got 'model.ema.momentun' in the override "
            "'model.ema.momentun=0.9'; the nearest known key is 'model.ema.momentum'.",
        ),
        (
            "lr: 0.1",
            [],
            "Expected a known key, got 'lr' in '{path}'; the nearest known key is 'training.lr'.",
        ),
        (
            "model: {levels: [{wieght: 2}]}",
            [],
            "Expected a known key, got 'model.levels.0.wieght' in '{path}'; the nearest known key "
            "is 'model.levels.weight'.",
        ),
        (
            "training: {lr: fast}",
            [],
            "Expected 'training.lr' to be a valid number, got 'fast'; change it in '{path}'.",
        ),
        (
            "",
            ["training.lr=-1"],
            "Expected 'training.lr' to be greater than 0, got -1; change it in the override "
            "'training.lr=-1'.",
        ),
        (
            "training: {epochs: 1.5}",
            [],
            "Expected 'training.epochs' to be a valid integer, got 1.5; change it in '{path}'.",
        ),
        (
            "training: {lr: .nan}",
            [],
            "Expected 'training.lr' to be a finite number, got nan; change it in '{path}'.",
        ),
        (
            "training: {optimizer: adamv}",
            [],
            "Expected 'training.optimizer' to be 'adamw' or 'sgd', got 'adamv'; change it in "
            "'{path}'.",
        ),
        (
            "training: {warmup_epochs: 3}",
            [],
            "training.warmup_epochs: Expected an even number, got 3; add one.",
        ),
        (
            "training: 3",
            [],
            "Expected 'training' to be a section of keys, got 3; change it in '{path}'.",
        ),
        (
            "training: 3",
            ["training.lr=1"],
            "Expected 'training' to be a section for the override 'training.lr=1', got 3; set the "
            "key itself.",
        ),
        (
            "- a\n- b\n",
            [],
            "Expected a mapping of keys to values in '{path}', got ['a', 'b']; write 'key: value' "
            "lines.",
        ),
        (
            "training:\n  lr: 1\n  epochs: 2\n  lr: 3\n",
            [],
            "Expected YAML in '{path}', got a mistake at line 4 ('lr' is set twice in one "
            "mapping); correct that line.",
        ),
        (
            "training: {lr: 1",
            [],
            "Expected YAML in '{path}', got a mistake at line 1 (expected ',' or '}}', but got "
            "'<stream end>'); correct that line.",
        ),
        (
            "name: !!python/object/apply:os.getcwd []",
            [],
            "Expected YAML in '{path}', got a mistake at line 1 (could not determine a "
            "constructor for the tag 'tag:yaml.org,2002:python/object/apply:os.getcwd'); correct "
            "that line.",
        ),
        (
            "",
            ["training.lr"],
            "Expected an override of the form key.sub=value, got 'training.lr'; write it without "
            "spaces, such as training.lr=1e-3.",
        ),
        (
            "",
            ["training..lr=1"],
            "Expected an override of the form key.sub=value, got 'training..lr=1'; write it "
            "without spaces, such as training.lr=1e-3.",
        ),
        (
            "",
            ["name=[1"],
            "Expected a YAML value in the override 'name=[1', got '[1'; put text with special "
            "characters in quotes.",
        ),
    ],
)
def test_a_mistake_is_answered_in_one_sentence(file, text, overrides, message):
    path = file(text)
    with pytest.raises(ConfigError) as caught:
        load_config(Run, path, overrides)
    assert str(caught.value) == message.format(path=path)


def test_a_missing_value_is_asked_for():
    with pytest.raises(ConfigError, match="Expected a value for 'seed', got none in the defaults"):
        load_config(Strict)


def test_a_file_that_cannot_be_read_is_named(tmp_path, file):
    with pytest.raises(ConfigError, match=r"file at '.*nowhere.yaml', got no such file"):
        load_config(Run, tmp_path / "nowhere.yaml")
    with pytest.raises(ConfigError, match="got is a directory"):
        load_config(Run, tmp_path)
    with pytest.raises(ConfigError, match="save it as UTF-8 text"):
        load_config(Run, file(b"name: \xff\xfe\xfa"))


def test_a_merged_key_may_be_set_again(file):
    class Merging(Run):
        defaults: dict[str, float] = Field(default_factory=dict)

    path = file("defaults: &d {lr: 0.5, epochs: 2}\ntraining: {<<: *d, lr: 0.25}\n")
    assert load_config(Merging, path).training == Training(lr=0.25, epochs=2)


def test_flattening_gives_scalars_under_dotted_keys():
    flat = flatten(Run(tags={"a": 1.0}))
    assert flat["training.lr"] == 1e-3
    assert flat["training.clip_grad"] is None
    assert flat["folder"] == "logs"
    assert flat["model.depths"] == "[2, 4]"
    assert flat["tags.a"] == 1.0


def test_the_schema_describes_what_is_checked():
    schema = json_schema(Run)
    assert schema["$schema"].endswith("2020-12/schema")
    assert schema["additionalProperties"] is False
    assert schema["$defs"]["Training"]["properties"]["lr"]["exclusiveMinimum"] == 0.0
    json.dumps(schema)
