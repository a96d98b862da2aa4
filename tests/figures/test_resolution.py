import numpy as np
import pytest

from sightline.figures import LevelCost, plot_hierarchy_resolution


def test_every_cost_is_a_bar_with_its_number():
    rows = [LevelCost(0, 196, 1.14e9, 3.4e7), LevelCost(1, 49, 999.7e6, 1.0)]
    figure = plot_hierarchy_resolution(rows)
    written = [[text.get_text() for text in axes.texts] for axes in figure.axes]
    assert written == [["196", "49"], ["1.14 G", "1 G"], ["34 MB", "1 B"]]
    tokens = figure.axes[0]
    assert [label.get_text() for label in tokens.get_yticklabels()] == ["level 0", "level 1"]
    assert [bar.get_width() for bar in tokens.patches] == [1.0, 0.25]


@pytest.mark.parametrize("rows", [[], [(0, -1, 0, 0)], [(0, np.nan, 0, 0)]])
def test_what_is_no_cost_is_refused(rows):
    with pytest.raises(ValueError, match="costs of 0 or more"):
        plot_hierarchy_resolution(rows)
