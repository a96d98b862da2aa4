import numpy as np
import pytest
import torch

from sightline.hjepa import pixels
from sightline.hjepa.pixels import Standardize, unit_range


@pytest.fixture
def images():
    rng = np.random.default_rng(7)
    return torch.from_numpy(rng.integers(0, 256, (9, 3, 5, 4), dtype=np.uint8))


def test_8_bit_pixels_are_brought_to_0_to_1():
    pixels = torch.tensor([0, 51, 255], dtype=torch.uint8)
    assert unit_range(pixels).tolist() == pytest.approx([0.0, 0.2, 1.0])
    assert unit_range(pixels).dtype == torch.float32


def test_floats_are_there_already():
    pixels = torch.rand(2, 1, 3, 3)
    assert unit_range(pixels) is pixels


def test_the_training_images_get_mean_0_and_deviation_1_in_each_channel(images):
    out = Standardize.fit(images)(images).double().numpy()
    assert out.mean(axis=(0, 2, 3)) == pytest.approx(np.zeros(3), abs=1e-6)
    assert out.std(axis=(0, 2, 3)) == pytest.approx(np.ones(3), rel=1e-6)


def test_it_agrees_with_float64(images):
    exact = images.numpy().astype(np.float64) / 255
    mean, std = exact.mean(axis=(0, 2, 3)), exact.std(axis=(0, 2, 3))
    expected = (exact - mean[:, None, None]) / std[:, None, None]
    assert Standardize.fit(images)(images).numpy() == pytest.approx(expected, abs=1e-5)


def test_8_bit_and_float_images_of_the_same_pixels_are_the_same(images):
    fitted = Standardize.fit(images)
    assert torch.equal(fitted(images), fitted(images.float() / 255))
    assert torch.equal(fitted.std_C11, Standardize.fit(images.float() / 255).std_C11)


def test_a_channel_that_never_changes_is_zero_and_not_infinite(images):
    images[:, 1] = 77
    out = Standardize.fit(images)(images)
    assert out.isfinite().all()
    assert out[:, 1].abs().max() < 1e-3


def test_both_numbers_are_saved_and_neither_is_trained(images):
    fitted = Standardize.fit(images)
    assert list(fitted.state_dict()) == ["mean_C11", "std_C11"]
    assert list(fitted.parameters()) == []


def test_images_are_measured_a_few_at_a_time(images, monkeypatch):
    whole = Standardize.fit(images)
    monkeypatch.setattr(pixels, "CHUNK_PIXELS", 45)
    parts = Standardize.fit(images)
    assert torch.allclose(parts.mean_C11, whole.mean_C11, rtol=1e-7)
    assert torch.allclose(parts.std_C11, whole.std_C11, rtol=1e-7)


def test_a_small_deviation_far_from_zero_is_not_lost():
    images = 1 - 1e-2 * torch.rand(64, 1, 32, 32, generator=torch.Generator().manual_seed(0))
    exact = images.double().std(correction=0)
    assert Standardize.fit(images).std_C11.item() == pytest.approx(exact.item(), rel=1e-6)


def test_of_very_many_images_every_so_manieth_is_measured(images, monkeypatch):
    monkeypatch.setattr(pixels, "MAX_MEASURED", 3)
    assert torch.equal(Standardize.fit(images).mean_C11, Standardize.fit(images[::3]).mean_C11)
    monkeypatch.setattr(pixels, "MAX_MEASURED", 9)
    assert not torch.equal(Standardize.fit(images).mean_C11, Standardize.fit(images[::3]).mean_C11)
