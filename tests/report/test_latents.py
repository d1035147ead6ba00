"""Figures of sparse codes: every latent and every value is in a bar, and what cannot be drawn is refused."""

from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from diabolo.errors import DataError
from diabolo.report import card, cosine_map, examples, frequencies, nearest


def drawn(figure: Any) -> Any:
    assert isinstance(figure, Figure)
    figure.canvas.draw()
    return figure.axes


def in_bars(axes: Any) -> float:
    return sum(cast(Rectangle, bar).get_height() for bar in axes.patches)


@settings(max_examples=15)
@given(arrays(np.float64, st.integers(1, 30), elements=st.floats(0, 1)), st.sampled_from([0.01, 0.1, 1.0]))
def test_every_living_latent_is_in_a_bar_and_the_others_in_the_title(frequency, often):
    (axes,) = drawn(frequencies(frequency, often))
    assert in_bars(axes) == (frequency > 0).sum()
    assert axes.get_title(loc="left").startswith(f"{(frequency == 0).sum()} of {len(frequency)} latents never active, ")
    assert f", {(frequency > often).sum()} in more than {often:.0%}".replace("%", " %") in axes.get_title(loc="left")


@settings(max_examples=10)
@given(arrays(np.float32, st.integers(0, 30), elements=st.floats(-9, 9, width=16)))
def test_every_value_is_on_the_card(values):
    axes = drawn(card(values, np.ones(3)))
    assert in_bars(axes[0]) == len(values)
    assert axes[0].get_title(loc="left") == f"Active in {len(values)} samples"


def test_the_largest_weights_of_an_atom_come_first_whatever_their_sign():
    atom = np.zeros((2, 10))
    atom[1, 3], atom[0, 4] = -0.8, 0.5
    axes = drawn(card(np.ones(3), atom))[1]
    assert [label.get_text() for label in axes.get_yticklabels()][:2] == ["13", "4"]
    assert [bar.get_width() for bar in axes.patches][:3] == [-0.8, 0.5, 0]
    assert len(axes.patches) == 10
    names = [f"input {i}" for i in range(20)]
    assert drawn(card(np.ones(3), atom, names))[1].get_yticklabels()[0].get_text() == "input 13"
    with pytest.raises(DataError, match="a name for each of 20 numbers of the atom; got 1"):
        card(np.ones(3), atom, ["a"])


def test_an_atom_of_three_axes_is_a_picture_and_none_is_left_out():
    assert drawn(card(np.ones(3), np.arange(12.0).reshape(1, 3, 4)))[1].images[0].get_array().shape == (3, 4)
    assert len(drawn(card(np.ones(3)))) == 1


def test_examples_keep_their_size_and_share_their_brightness():
    dark, light = np.full((1, 2, 3), 0.5), np.ones((3, 4, 4))
    first, second = drawn(examples([dark, light], ["a", "$b_"]))
    assert first.images[0].get_array().shape == (2, 3)
    assert second.images[0].get_array().shape == (4, 4, 3)
    assert (first.images[0].get_array().max(), second.images[0].get_array().max()) == (0.5, 1)
    assert len(drawn(examples([dark] * 30, ["x"] * 30))) == 8
    assert [len(axes.lines) for axes in drawn(examples([np.zeros((5, 3)), np.ones((4, 2))], "ab"))] == [3, 2]
    assert len(drawn(examples([np.full((1, 2, 2), np.nan)], ["nothing"]))) == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda: examples([], []),
        lambda: examples([np.zeros((1, 2, 2)), np.zeros((2, 2))], "ab"),
        lambda: examples([np.zeros(3)], "a"),
        lambda: examples([np.zeros((2, 2))], "ab"),
        lambda: frequencies(np.zeros(0)),
        lambda: frequencies(np.array([1.2])),
        lambda: frequencies(np.array([np.nan])),
        lambda: nearest(np.zeros(0)),
        lambda: nearest(np.array([1.5])),
        lambda: cosine_map(np.zeros((2, 3)), "ab"),
        lambda: cosine_map(np.zeros((0, 0)), ""),
    ],
)
def test_what_cannot_be_drawn_is_refused(call):
    with pytest.raises(DataError, match="needs"):
        call()


@given(arrays(np.float64, st.integers(1, 20), elements=st.floats(-1, 1)))
@settings(max_examples=10)
def test_every_atom_is_in_the_histogram_of_cosines(cosines):
    (axes,) = drawn(nearest(cosines))
    assert in_bars(axes) == len(cosines)
    assert axes.get_title(loc="left").startswith(f"{(cosines > 0.9).sum()} of {len(cosines)} atoms")


def test_the_map_names_each_atom():
    axes = drawn(cosine_map(np.eye(3), [7, 70, "$x"]))[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["7", "70", r"\$x"]
    np.testing.assert_array_equal(axes.images[0].get_array(), np.eye(3))
