"""A step of several micro-batches is the step of one batch of the same images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from sightline.hjepa import HJEPAConfig, HJEPATrainer
from sightline.hjepa.data import Batch
from sightline.hjepa.hierarchy import whole_cells

MakeConfig = Callable[..., HJEPAConfig]
SETTINGS = (
    "data.batch_size=60",
    "model.depth=2",
    "model.drop_path_rate=0.5",
    "loss.hierarchy_weights=[1.0,0.5,2.0]",
    "logging.tensorboard.enabled=false",
)


@pytest.fixture
def make_trainer(tiny_config: MakeConfig) -> Callable[..., HJEPATrainer]:
    """Makes trainers in float64 whose target encoder is not the context encoder."""

    def make(*settings: str) -> HJEPATrainer:
        trainer = HJEPATrainer.from_config(tiny_config(*SETTINGS, *settings), callbacks=[])
        trainer.model.double()
        random = torch.Generator().manual_seed(5)
        with torch.no_grad():
            for weight in trainer.model.target_encoder.parameters():
                weight += 0.1 * torch.randn(weight.shape, generator=random, dtype=weight.dtype)
        return trainer

    return make


def step(trainer: HJEPATrainer, images: Tensor, sizes: list[int]) -> tuple[Any, dict[str, Tensor]]:
    """Loss, metrics and gradients of one step whose images come in parts of these sizes."""
    labels = torch.zeros(len(images), dtype=torch.int64)
    parts: list[Batch] = list(zip(images.split(sizes), labels.split(sizes), strict=True))
    trainer.module.train()
    trainer.optimizer.zero_grad()
    loss, metrics = trainer._accumulate_gradients(parts)
    gradients = {
        name: weight.grad.clone()
        for name, weight in trainer.model.named_parameters()
        if weight.grad is not None
    }
    return {"loss": loss, **metrics}, gradients


def images_of(trainer: HJEPATrainer, num: int = 60) -> Tensor:
    return next(iter(trainer.train_loader))[0][:num]


def difference(ours: dict[str, Tensor], theirs: dict[str, Tensor]) -> float:
    """Norm of the difference of all gradients over their norm."""
    assert ours.keys() == theirs.keys()
    apart = sum(float((ours[name] - theirs[name]).square().sum()) for name in theirs)
    return float((apart / sum(float(value.square().sum()) for value in theirs.values())) ** 0.5)


@pytest.mark.parametrize("norm", ["none", "token"])
@pytest.mark.parametrize("kind", ["smoothl1", "cosine"])
@pytest.mark.parametrize(
    "sizes",
    [[30, 30], [20, 20, 20], [12] * 5, [1] * 60, [25, 25, 10], [40, 13, 7]],
    ids=lambda sizes: "+".join(map(str, sizes[:5])),
)
def test_micro_batches_have_the_loss_and_the_gradient_of_one_batch(
    sizes: list[int], kind: str, norm: str, make_trainer: Callable[..., HJEPATrainer]
) -> None:
    trainer = make_trainer(f"loss.target_norm={norm}", f"loss.type={kind}")
    images = images_of(trainer)
    whole, expected = step(trainer, images, [60])
    parts, gradients = step(trainer, images, sizes)
    assert difference(gradients, expected) < 1e-6
    for name, value in whole.items():
        assert float(parts[name]) == pytest.approx(float(value), rel=1e-6), name


def test_the_micro_batches_of_that_test_have_different_numbers_of_cells(
    make_trainer: Callable[..., HJEPATrainer],
) -> None:
    trainer = make_trainer()
    step(trainer, images_of(trainer), [20, 20, 20])
    for stride in trainer.model.level_strides:
        counts = {
            int(whole_cells(draws.masks.target_BHW, stride).sum()) for draws in trainer._draws
        }
        assert len(counts) > 1


def test_a_last_step_of_fewer_micro_batches_is_that_of_one_smaller_batch(
    make_trainer: Callable[..., HJEPATrainer],
) -> None:
    trainer = make_trainer("loss.target_norm=token", "training.accumulation_steps=4")
    images = images_of(trainer, 45)
    _, expected = step(trainer, images, [45])
    _, gradients = step(trainer, images, [15, 15, 15])
    assert difference(gradients, expected) < 1e-6


def test_targets_standardised_over_the_batch_differ_as_their_docstring_says(
    make_trainer: Callable[..., HJEPATrainer],
) -> None:
    trainer = make_trainer("loss.target_norm=feature")
    images = images_of(trainer)
    _, expected = step(trainer, images, [60])
    _, gradients = step(trainer, images, [30, 30])
    assert 1e-4 < difference(gradients, expected) < 0.5


def test_a_level_that_is_scored_in_one_image_only_counts_as_in_one_batch(
    make_trainer: Callable[..., HJEPATrainer],
) -> None:
    trainer = make_trainer("loss.target_norm=token", "masking.num_masks=1")
    stride = trainer.model.level_strides[2]
    images = images_of(trainer)
    for num in range(1, 61):  # the first images of which one has a cell of the coarsest level
        trainer.begin_step([(images[:num], torch.zeros(num))])
        if int(whole_cells(trainer._draws[0].masks.target_BHW, stride).any((1, 2)).sum()) == 1:
            break
    else:
        pytest.fail("no such images")
    whole, expected = step(trainer, images[:num], [num])
    parts, gradients = step(trainer, images[:num], [1] * num)
    assert float(whole["loss/h2"]) > 0
    assert float(parts["loss/h2"]) == pytest.approx(float(whole["loss/h2"]), rel=1e-6)
    assert difference(gradients, expected) < 1e-6


def test_steps_of_two_micro_batches_train_as_steps_of_one_batch(
    make_trainer: Callable[..., HJEPATrainer],
) -> None:
    def trained(batch_size: int, accumulation_steps: int) -> dict[str, Tensor]:
        trainer = make_trainer(
            f"data.batch_size={batch_size}",
            f"training.accumulation_steps={accumulation_steps}",
            "loss.target_norm=token",
            "training.epochs=1",
            "training.warmup_epochs=0",
            # An epoch has a step more with the smaller batches, which would stretch schedules.
            "training.min_lr=1e-3",
            "model.ema.momentum_end=0.996",
        )
        begin = trainer.begin_step

        def begin_three(micro_batches: Any) -> None:
            if trainer.step == 2:
                trainer.stop("three steps")
            begin(micro_batches)

        trainer.begin_step = begin_three  # type: ignore[method-assign]
        trainer.run()
        trainer.logger.close()
        assert trainer.step == 3
        return trainer.model.state_dict()

    ours, theirs = trained(200, 2), trained(400, 1)
    for name, value in theirs.items():
        torch.testing.assert_close(ours[name], value, rtol=1e-6, atol=1e-9, msg=name)


def test_schedules_and_target_encoder_move_once_a_step_and_not_once_a_micro_batch(
    tiny_config: MakeConfig,
) -> None:
    steps: list[int] = []

    class Remember(HJEPATrainer):
        def begin_step(self, micro_batches: Any) -> None:
            steps.append(self.step)
            assert {group["lr"] for group in self.optimizer.param_groups} == {
                self.learning_rate(self.step)
            }
            self.before = self.model.target_encoder.blocks[0].qkv.weight.clone()
            super().begin_step(micro_batches)
            assert list(self.loss_fn.weights) == self.level_weights(self.step)

        def compute_loss(self, batch: Any) -> Any:
            now = self.model.target_encoder.blocks[0].qkv.weight
            assert torch.equal(now, self.before)
            return super().compute_loss(batch)

    trainer = Remember.from_config(
        tiny_config(
            "training.epochs=2",
            "training.warmup_epochs=0",
            "data.batch_size=128",
            "training.accumulation_steps=4",
            "training.weight_decay_end=0.5",
            "loss.hierarchy_weights_end=[0.0,1.0,2.0]",
        ),
        callbacks=[],
    )
    trainer.train()
    assert steps == list(range(6))
    decayed, spared = trainer.optimizer.param_groups
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.5, 0.0)
    assert trainer.learning_rate(5) == decayed["lr"] == trainer.config.training.min_lr
    assert trainer.loss_fn.weights == [0.0, 1.0, 2.0]
    assert trainer.momentum(5) == trainer.config.model.ema.momentum_end
