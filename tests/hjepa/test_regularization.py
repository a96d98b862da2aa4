"""What is added to the loss so that features do not collapse."""

import math

import numpy as np
import pytest
import torch

from sightline.diagnostics import covariance_off_diagonal, sigreg, variance_hinge
from sightline.hjepa import HJEPATrainer
from sightline.hjepa.regularization import Regularizer, vicreg_loss


def cloud(num=64, width=6, seed=0):
    return torch.randn(num, width, generator=torch.Generator().manual_seed(seed))


def slow_vicreg(features):
    num, width = features.shape
    centred = features - features.mean(axis=0)
    lack = spill = 0.0
    for i in range(width):
        variance = sum(value**2 for value in centred[:, i]) / (num - 1)
        lack += max(0.0, 1 - math.sqrt(variance + 1e-4)) / width
        for j in range(width):
            if i != j:
                spill += (centred[:, i] @ centred[:, j] / (num - 1)) ** 2 / width
    return lack + spill / 25


@pytest.mark.parametrize("scale", [0.01, 0.5, 3.0])
def test_vicreg_agrees_with_the_slow_twin(scale):
    x = scale * cloud() @ torch.randn(6, 6, generator=torch.Generator().manual_seed(1))
    assert float(vicreg_loss(x)) == pytest.approx(slow_vicreg(x.double().numpy()), rel=1e-5)


def test_vicreg_is_made_of_what_the_diagnostics_measure():
    x = 0.5 * cloud()
    expected = float(variance_hinge(x)) + float(covariance_off_diagonal(x)) / 25
    assert float(vicreg_loss(x)) == pytest.approx(expected, rel=1e-5)


def test_gradients_are_those_of_the_function():
    x = (0.5 * cloud(8, 3)).double().requires_grad_()
    assert torch.autograd.gradcheck(vicreg_loss, x)


def test_one_image_has_no_spread():
    with pytest.raises(ValueError, match="at least 2 images to regularise over, got 1"):
        vicreg_loss(cloud(1))


def test_half_precision_is_measured_in_full():
    x = cloud().bfloat16()
    assert vicreg_loss(x).dtype == torch.float32
    assert float(vicreg_loss(x)) == pytest.approx(float(vicreg_loss(x.float())))


# VICReg asks for a deviation of at least 1, SIGReg for one of 1.
@pytest.mark.parametrize(("kind", "most"), [("vicreg", np.inf), ("sigreg", 1.25)])
def test_descent_gives_a_collapsed_cloud_its_spread_back(kind, most):
    x = (0.01 * cloud(256, 8)).requires_grad_()
    regularizer, optimizer = Regularizer(kind), torch.optim.Adam([x], lr=0.05)
    random = torch.Generator().manual_seed(2)
    first = float(regularizer(x, random).detach())
    for _ in range(200):
        optimizer.zero_grad()
        loss = regularizer(x, random)
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.1 * first
    deviation_D = x.detach().std(dim=0)
    assert ((deviation_D > 0.75) & (deviation_D < most)).all()


def test_sigreg_draws_its_directions_from_what_it_is_given_and_forgets_the_batch_size():
    x, regularizer = cloud(512), Regularizer("sigreg", num_directions=32)
    directions = torch.randn(6, 32, generator=torch.Generator().manual_seed(5))
    expected = float(sigreg(x, directions)) / 512
    loss = regularizer(x, torch.Generator().manual_seed(5))
    assert float(loss) == pytest.approx(expected, rel=1e-6)
    twice = regularizer(torch.cat([x, x]), torch.Generator().manual_seed(5))
    assert float(twice) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("kind", ["vicreg", "sigreg"])
def test_a_training_lowers_what_it_is_asked_to_lower(tiny_config, kind):
    logged = []

    class Remember(HJEPATrainer):
        def compute_loss(self, batch):
            loss, metrics = super().compute_loss(batch)
            values = {"objective": loss, **metrics}
            logged.append({name: float(value.detach()) for name, value in values.items()})
            return loss, metrics

    settings = (
        f"loss.regularization.type={kind}",
        "loss.regularization.weight=2",
        "training.lr=0.01",
    )
    Remember.from_config(tiny_config(*settings, "training.epochs=4")).train()
    for step in logged:
        expected = step["loss/total"] + 2 * step["loss/regularization"]
        assert step["objective"] == pytest.approx(expected)
    first, *_, last = (step["loss/regularization"] for step in logged)
    assert last < 0.8 * first
