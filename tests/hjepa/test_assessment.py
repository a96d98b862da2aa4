"""An assessment asks every probe, on the same images, and says by how much to trust it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sightline.hjepa import HJEPAConfig, HJEPAModel, HJEPATrainer, ImageSet, create_masking
from sightline.hjepa import assessment as module
from sightline.hjepa.assessment import PROBES, Assessor
from sightline.hjepa.data import load_digits
from sightline.hjepa.pretrained import restore
from sightline.hjepa.scores import Assessment
from sightline.training import load_config, standard_error
from tests.hjepa.conftest import TINY

CONFIG = load_config(HJEPAConfig, None, TINY)
TRAIN, VAL = (
    ImageSet(part.images_NCHW[:num], part.labels_N[:num], part.class_names)
    for part, num in zip(load_digits(), (300, 100), strict=True)
)


@pytest.fixture(scope="module")
def trainer(tmp_path_factory: pytest.TempPathFactory) -> HJEPATrainer:
    logs = f"logging.log_dir={tmp_path_factory.mktemp('runs')}"
    trainer = HJEPATrainer.from_config(
        load_config(HJEPAConfig, None, (*TINY, "training.epochs=2", logs))
    )
    trainer.train()
    return trainer


@pytest.fixture(scope="module")
def model(trainer: HJEPATrainer) -> HJEPAModel:
    return trainer.model.eval()


def assessor(model: HJEPAModel, **options: object) -> Assessor:
    settings = {"sweep_epochs": 2, "attentive_epochs": 1, **options}
    masking = create_masking(CONFIG, model.grid_size)
    return Assessor(TRAIN, VAL, masking, torch.device("cpu"), 128, **settings)  # type: ignore[arg-type]


def assess(model: HJEPAModel, **options: object) -> Assessment:
    one = assessor(model, **options)
    return one.assess(model, *one.features(model))


@pytest.fixture(scope="module")
def whole(model: HJEPAModel) -> Assessment:
    return assess(model)


def test_every_probe_has_a_score_with_its_standard_error(whole: Assessment) -> None:
    assert list(whole.scores) == [
        "knn_accuracy",
        "linear_probe_accuracy",
        "linear_sweep_accuracy",
        "attentive_probe_accuracy",
        "few_label_accuracy_1",
        "few_label_accuracy_5",
        "few_label_accuracy_10",
    ]
    for score in whole.scores.values():
        assert score.error == standard_error(score.value, 100)
    assert whole.scores["knn_accuracy"].value > 0.3
    assert whole.scores["few_label_accuracy_1"].deviation is not None
    assert whole.scores["few_label_accuracy_1"].deviation > 0
    assert whole.scores["knn_accuracy"].deviation is None
    assert (whole.num_train, whole.num_val) == (300, 100)


def test_the_sweep_has_heads_of_13_rates_for_each_kind_and_says_which_was_chosen(
    whole: Assessment,
) -> None:
    assert len(whole.heads) == 13 * 2  # one block: its mean, and mean and max
    score = whole.scores["linear_sweep_accuracy"]
    assert score.head in whole.heads
    assert score.head is not None
    assert score.value == score.head.accuracy


def test_each_level_is_probed(whole: Assessment) -> None:
    assert len(whole.levels) == 3
    for number, level in enumerate(whole.levels):
        assert list(level) == ["knn_accuracy", "linear_sweep_accuracy", "few_label_accuracy_5"]
        head = level["linear_sweep_accuracy"].head
        assert head is not None
        assert head.features == f"level {number}"
    assert len({level["few_label_accuracy_5"].value for level in whole.levels}) > 1


def test_the_scores_are_those_that_are_measured_while_training(
    trainer: HJEPATrainer, model: HJEPAModel
) -> None:
    train, val = load_digits()
    found = replace(assessor(model, probes=("knn", "linear", "few-label")), train=train, val=val)
    scores = found.assess(model, *found.features(model)).scores
    online = trainer.evaluate()
    assert scores["knn_accuracy"].value == online["knn_accuracy"]
    assert scores["linear_probe_accuracy"].value == online["linear_probe_accuracy"]
    assert scores["few_label_accuracy_5"].value == online["few_label_accuracy"]


def test_more_neighbours_are_tried_beside(whole: Assessment) -> None:
    assert list(whole.knn) == [1, 5, 10, 20, 100, 200]
    assert whole.scores["knn_accuracy"].value == whole.knn[20]


def test_chance_is_the_most_frequent_class_of_the_training_images(model: HJEPAModel) -> None:
    labels = torch.where(TRAIN.labels_N == 0, 5, TRAIN.labels_N)  # then 5 is the most frequent
    skewed = ImageSet(TRAIN.images_NCHW, labels, TRAIN.class_names)
    one = replace(assessor(model, probes=()), train=skewed)
    shares = (torch.bincount(VAL.labels_N, minlength=10) / 100).tolist()
    assert shares[5] not in {shares[1], max(shares)}
    assert one.assess(model, *one.features(model)).chance == pytest.approx(shares[5])


def test_what_is_not_asked_for_is_not_there(model: HJEPAModel) -> None:
    none = assess(model, probes=())
    assert (none.scores, none.knn, none.heads) == ({}, {}, ())
    assert none.levels == [{}, {}, {}]
    assert none.label_free["effective_rank"] > 1
    attentive = assess(model, probes=("attentive",))
    assert list(attentive.scores) == ["attentive_probe_accuracy"]
    assert set(PROBES) == {"knn", "linear", "attentive", "few-label"}


def test_an_assessment_is_a_function_of_its_seed(model: HJEPAModel, whole: Assessment) -> None:
    again, other = assess(model), assess(model, seed=1)
    assert again.scores == whole.scores
    assert again.label_free == whole.label_free
    assert other.scores["few_label_accuracy_1"] != whole.scores["few_label_accuracy_1"]


def test_tokens_that_are_encoded_anew_give_what_cached_ones_give(
    model: HJEPAModel, whole: Assessment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_CACHED_BYTES", 0)
    calls = []
    handle = model.target_encoder.register_forward_hook(lambda *_: calls.append(1))
    anew = assess(model, probes=("attentive",))
    handle.remove()
    assert len(calls) > 8
    assert anew.scores["attentive_probe_accuracy"] == whole.scores["attentive_probe_accuracy"]


def test_classes_with_few_images_are_asked_for_fewer_labels(model: HJEPAModel) -> None:
    rows = np.concatenate([np.flatnonzero(TRAIN.labels_N.numpy() == n)[:6] for n in range(10)])
    few = ImageSet(TRAIN.images_NCHW[rows], TRAIN.labels_N[rows], TRAIN.class_names)
    found = replace(assessor(model, probes=("few-label",)), train=few)
    scores = found.assess(model, *found.features(model)).scores
    assert list(scores) == ["few_label_accuracy_1", "few_label_accuracy_5"]


def test_a_logistic_regression_is_fit_to_so_many_images_only(
    model: HJEPAModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def counted(train_x, *rest):
        seen.append(len(train_x))
        return 0.5

    monkeypatch.setattr(module, "linear_probe_accuracy", counted)
    assess(model, probes=("linear",), max_logistic=70)
    assert seen == [70]


@pytest.mark.parametrize(
    ("options", "labels", "message"),
    [
        ({"num_neighbours": 301}, None, "k must lie between 1 and the 300 .*, got 301"),
        ({"probes": ("linear",)}, 0, "at least two classes, got one"),
        ({"probes": ("attentive",)}, 0, "at least two classes, got one"),
        ({"probes": ("few-label",)}, 0, "at least two classes, got one"),
    ],
)
def test_what_cannot_be_probed_is_a_sentence(
    model: HJEPAModel, options: dict[str, object], labels: int | None, message: str
) -> None:
    one = assessor(model, **options)
    if labels is not None:
        one = replace(one, train=ImageSet(TRAIN.images_NCHW, TRAIN.labels_N * 0 + labels, ("a",)))
    with pytest.raises(ValueError, match=message):
        one.assess(model, *one.features(model))


def test_features_that_are_not_finite_are_a_sentence(model: HJEPAModel) -> None:
    one = assessor(model, probes=())
    train, val = one.features(model)
    train.blocks_NKPD[7] = np.nan
    with pytest.raises(ValueError, match="finite train features, got NaN or infinity in 1 of 300"):
        one.assess(model, train, val)


def test_the_untrained_encoder_is_the_one_that_the_run_began_with(trainer: HJEPATrainer) -> None:
    latest = trainer.checkpoints.latest()
    assert latest is not None
    run = restore(latest)
    torch.manual_seed(77)
    before = torch.random.get_rng_state()
    fresh = run.untrained()
    assert torch.equal(torch.random.get_rng_state(), before)
    begun = HJEPATrainer.from_config(
        load_config(
            HJEPAConfig, trainer.config, (f"logging.log_dir={latest.parents[2] / 'other'}",)
        )
    ).model.state_dict()
    assert all(torch.equal(tensor, begun[name]) for name, tensor in fresh.state_dict().items())
    trained = trainer.model.state_dict()
    assert not all(torch.equal(tensor, trained[name]) for name, tensor in begun.items())
