"""The histogram of anomaly scores: every sample is in it, and the line is where it was said."""

from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from diabolo.errors import CapabilityError, DataError
from diabolo.report import scores


def drawn(figure) -> Any:
    assert isinstance(figure, Figure)
    figure.canvas.draw()
    (axes,) = figure.axes
    return axes


def counted(axes, colours=1):
    """Samples in the bars, summed for each colour."""
    heights = np.array([cast(Rectangle, bar).get_height() for bar in axes.patches])
    return heights.reshape(colours, -1).sum(1).tolist()


def test_all_samples_are_in_the_bars_and_the_line_is_the_threshold():
    axes = drawn(scores(np.geomspace(0.1, 1e4, 200), 10.0))
    assert counted(axes) == [200]
    assert list(axes.lines[0].get_xdata()) == [10, 10]
    assert axes.get_title(loc="left") == "120 of 200 above the threshold"
    assert (axes.get_xscale(), axes.get_xlabel()) == ("log", "energy, in nats")
    assert [text.get_text() for text in axes.texts] == ["threshold"]
    assert axes.get_legend() is None


def test_known_anomalies_are_stacked_apart():
    known = np.arange(50) < 8
    axes = drawn(scores(np.arange(1.0, 51.0), 40.0, known))
    assert counted(axes, 2) == [42, 8]
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["usual", "known anomalies"]
    assert counted(drawn(scores(np.arange(1.0, 51.0), 40.0, known & False)), 2) == [50, 0]


@settings(max_examples=15)
@given(
    energies=arrays(np.float64, st.integers(1, 20), elements=st.floats(0, 1e12)),
    threshold=st.sampled_from([0.0, 1e-9, 1.0, 1e15, -1.0]),
)
def test_any_energies_and_any_threshold_can_be_drawn(energies, threshold):
    axes = drawn(scores(energies, threshold))
    assert counted(axes) == [len(energies)]
    assert axes.get_title(loc="left").startswith(f"{(energies > threshold).sum()} of {len(energies)}")
    low, high = axes.get_xlim()
    assert low <= axes.lines[0].get_xdata()[0] <= high


@pytest.mark.parametrize(
    ("energies", "known", "words"),
    [
        ([], None, "at least one"),
        ([[1.0]], None, r"\(1, 1\)"),
        ([1.0, np.nan], None, "finite"),
        ([1.0, np.inf], None, "finite"),
        ([1.0, 2.0], [True], r"known.*\(1,\)"),
    ],
)
def test_what_cannot_be_drawn_is_refused(energies, known, words):
    with pytest.raises(DataError, match=words):
        scores(np.array(energies), 1.0, None if known is None else np.array(known))


def test_missing_matplotlib_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib.figure", None)
    with pytest.raises(CapabilityError, match=r'pip install "diabolo\[report\]"'):
        scores(np.ones(3), 1.0)
