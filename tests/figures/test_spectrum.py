import numpy as np
import pytest

from sightline.diagnostics import effective_rank
from sightline.figures import plot_spectrum


def names(figure):
    return [text.get_text() for text in figure.axes[0].get_legend().get_texts()]


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_a_power_law_has_its_exponent_and_lies_on_its_fit(alpha):
    figure = plot_spectrum({"level 0": 7 * np.arange(1, 65.0) ** -alpha})
    assert names(figure)[0].startswith(f"level 0: alpha {alpha:.2f}, ")
    curve, fit, _ = figure.axes[0].lines
    assert curve.get_ydata()[0] == 1.0
    np.testing.assert_allclose(fit.get_ydata(), curve.get_ydata()[[0, -1]])


def test_the_dot_stands_at_the_effective_rank_of_the_features():
    features = np.random.default_rng(0).standard_normal((200, 16)) * np.linspace(1, 3, 16)
    figure = plot_spectrum({"level 0": np.linalg.eigvalsh(np.cov(features.T))})
    dot = figure.axes[0].lines[2]
    assert dot.get_xdata()[0] == pytest.approx(float(effective_rank(features)), rel=1e-6)


def test_order_and_scale_of_the_eigenvalues_do_not_matter():
    values = np.arange(1, 20.0) ** -1.3
    one, other = plot_spectrum({"a": values}), plot_spectrum({"a": 1e6 * values[::-1]})
    assert names(one) == names(other)


def test_directions_without_spread_are_not_drawn():
    figure = plot_spectrum({"a": [1.0, 0.5, 1e-15, 0.0, -1e-17], "none": np.zeros(3)})
    assert len(figure.axes[0].lines[0].get_xdata()) == 2
    assert names(figure)[1] == "none: no spread"


@pytest.mark.parametrize("spectra", [{}, {"a": np.ones((2, 2))}, {"a": []}])
def test_what_is_no_spectrum_is_refused(spectra):
    with pytest.raises(ValueError, match=r"expected .* got"):
        plot_spectrum(spectra)
