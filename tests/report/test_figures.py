import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from diabolo.errors import CapabilityError, DataError, ParameterError
from diabolo.report import code_map, comparison, curves, pairs, spectrum

RNG = np.random.default_rng(0)


def drawn(figure) -> list[Any]:
    assert isinstance(figure, Figure)
    figure.canvas.draw()
    return figure.axes


def title(axes):
    return axes.get_title(loc="left")


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_images_are_three_rows_of_pictures(channels):
    x = RNG.integers(0, 256, (12, channels, 6, 5)).astype(np.uint8)
    axes = drawn(pairs(x, 255 - x, "images"))
    assert len(axes) == 30
    assert [a.texts[0].get_text() for a in axes[::10]] == ["input", "reconstruction", "difference"]
    first, difference = np.asarray(axes[0].images[0].get_array()), np.asarray(axes[20].images[0].get_array())
    grey = x[0].mean(0)
    np.testing.assert_allclose(difference, 255 - 2 * grey)
    expected = np.moveaxis(x[0], 0, -1) if channels == 3 else grey
    np.testing.assert_allclose(first, (expected - x[:10].min()) / np.ptp(x[:10]))


def test_a_series_is_a_panel_per_sample_and_channel():
    x = RNG.random((6, 20, 2))
    axes = drawn(pairs(x, x + 1, "series"))
    assert len(axes) == 4 * 2
    assert [title(a) for a in axes[:2]] == ["channel 0", "channel 1"]
    seen, rebuilt = axes[3].lines
    np.testing.assert_array_equal(seen.get_ydata(), x[1, :, 1])
    np.testing.assert_array_equal(rebuilt.get_ydata(), x[1, :, 1] + 1)


def test_a_table_is_three_heat_maps_in_standard_deviations_of_the_input():
    x = RNG.standard_normal((50, 4)) * [1, 10, 100, 0] + 5
    axes = drawn(pairs(x, x + x.std(0), "table"))
    assert [title(a) for a in axes[:3]] == ["input", "reconstruction", "difference"]
    np.testing.assert_allclose(axes[2].images[0].get_array(), np.tile([1, 1, 1, 0], (32, 1)), atol=1e-12)
    assert axes[3].get_ylabel() == "standard deviations of the column"


@pytest.mark.parametrize("kind", ["table", "series", "images"])
def test_pairs_takes_missing_values_and_a_single_constant_sample(kind):
    x = np.ones((1, 4, 4, 4)[: {"table": 2, "series": 3, "images": 4}[kind]])
    drawn(pairs(x, x, kind))
    x.flat[0] = np.nan
    drawn(pairs(np.concatenate([x, x + 1]), np.concatenate([x, x]), kind))


def test_pairs_refuses_what_does_not_fit():
    x = np.ones((2, 3))
    with pytest.raises(DataError, match=r"3 axes for series; got \(2, 3\)"):
        pairs(x, x, "series")
    with pytest.raises(DataError, match="one shape"):
        pairs(x, x[:1], "table")
    with pytest.raises(DataError, match="one shape"):
        pairs(x[:0], x[:0], "table")
    with pytest.raises(ParameterError, match="Did you mean 'table'"):
        pairs(x, x, "tabel")  # pyright: ignore[reportArgumentType]


def test_a_code_of_two_is_drawn_as_it_is():
    code = RNG.random((30, 2))
    (axes,) = drawn(code_map(code))
    assert title(axes) == "The code"
    np.testing.assert_array_equal(axes.collections[0].get_offsets(), code)


def test_a_wider_code_is_drawn_on_its_principal_axes():
    plane = RNG.standard_normal((200, 2)) * [5, 2]
    code = plane @ np.linalg.qr(RNG.standard_normal((6, 6)))[0][:2] + 3
    (axes,) = drawn(code_map(code))
    assert title(axes) == "The code on its first two principal axes (100 % of its variance)"
    points = np.asarray(axes.collections[0].get_offsets())
    np.testing.assert_allclose(points.T @ points, np.diag(np.linalg.eigvalsh(np.cov(plane.T))[::-1] * 199), atol=1e-9)


def test_a_code_of_one_is_drawn_against_the_sample():
    (axes,) = drawn(code_map(np.array([[3.0], [1.0]])))
    assert np.asarray(axes.collections[0].get_offsets()).tolist() == [[0, 3], [1, 1]]


@pytest.mark.parametrize("labels", [["b", "_a", "$x_{"], [2, 0, 1], [True, False, True]])
def test_few_labels_are_classes_with_a_legend(labels):
    (axes,) = drawn(code_map(RNG.random((30, 2)), np.array(labels * 10)))
    assert len(axes.collections) == len(axes.get_legend().get_texts()) == len(set(labels))
    assert sum(len(c.get_offsets()) for c in axes.collections) == 30


def test_many_numbers_are_a_gradient_with_a_bar():
    assert len(drawn(code_map(RNG.random((30, 2)), np.arange(30.0)))) == 2


def test_many_samples_are_thinned_and_what_is_not_finite_left_out():
    code = RNG.random((12_000, 2))
    code[0] = np.nan
    (axes,) = drawn(code_map(code, np.zeros(12_000)))
    assert len(axes.collections[0].get_offsets()) == 4000


@pytest.mark.parametrize(
    ("code", "colour", "words"),
    [
        (np.ones(3), None, r"got \(3,\)"),
        (np.ones((3, 0)), None, "codes"),
        (np.ones((3, 2)), np.ones(2), r"got \(3, 2\) and \(2,\)"),
        (np.full((3, 2), np.inf), None, "at least one finite"),
        (np.ones((11, 2)), np.array(list("abcdefghijk")), "up to 10 labels; got 11"),
    ],
)
def test_code_map_refuses_what_does_not_fit(code, colour, words):
    with pytest.raises(DataError, match=words):
        code_map(code, colour)


def test_curves_draw_what_is_there_against_the_epoch():
    (axes,) = drawn(
        curves({"epoch": [3, 4, 5], "loss": [3.0, 2.0, 1.0], "held_out": [4.0, np.nan, 2.0], "rate": [0] * 3})
    )
    assert axes.get_xlabel() == "epoch"
    assert [line.get_label() for line in axes.lines] == ["loss", "held out"]
    assert [list(line.get_xdata()) for line in axes.lines] == [[3, 4, 5], [3, 5]]
    (axes,) = drawn(curves({"rate": [2.0, 1.0]}, ("rate",)))
    assert list(axes.lines[0].get_xdata()) == [1, 2]


@pytest.mark.parametrize(("last", "scale"), [(50.0, "linear"), (1.0, "log"), (-1.0, "linear"), (np.nan, "linear")])
def test_curves_that_fall_far_are_logarithmic(last, scale):
    assert drawn(curves({"loss": [100.0, 90.0, last]}))[0].get_yscale() == scale


@pytest.mark.parametrize("columns", [{}, {"rate": [1.0]}, {"loss": []}, {"epoch": [1], "loss": [1.0, 2.0]}])
def test_curves_refuse_what_does_not_fit(columns):
    with pytest.raises(DataError, match="curves: "):
        curves(columns)


def test_a_spectrum_is_two_falling_lines_of_shares():
    (axes,) = drawn(spectrum(np.array([1.0, 0.0, 3.0, 1e-9]), np.array([2.0, 6.0])))
    assert title(axes) == "Variance along the code: 2 of 4 numbers carry nothing"
    assert axes.get_yscale() == "log"
    pca, code = axes.lines
    np.testing.assert_allclose(pca.get_ydata(), [0.75, 0.25])
    np.testing.assert_allclose(code.get_ydata(), [0.75, 0.25])


@pytest.mark.parametrize("values", [[-1.0, 2.0], [np.nan], [0.0, 0.0], [], [[1.0]]])
def test_a_spectrum_refuses_what_is_no_variance(values):
    for code, pca in ((values, [1.0]), ([1.0], values)):
        with pytest.raises(DataError, match="variances >= 0"):
            spectrum(np.array(code), np.array(pca))


def test_a_comparison_ranks_the_least_error_first():
    (axes,) = drawn(comparison({"a": 3.0, "$b_{": 1.0, "c": float("nan"), "d": float("inf"), "e": 2.0}, "error"))
    assert [bar.get_width() for bar in axes.patches] == [1, 2, 3, 0, 0]
    assert [label.get_text() for label in axes.get_yticklabels()][:3] == [r"\$b_{", "e", "a"]
    assert axes.get_xlabel() == "error"
    with pytest.raises(DataError, match="at least one error"):
        comparison({})


def test_pyplot_is_never_imported():
    code = (
        "import sys, numpy as np, diabolo.report as r\n"
        "assert 'matplotlib' not in sys.modules\n"
        "r.pairs(np.ones((2, 3)), np.ones((2, 3)), 'table').canvas.draw()\n"
        "assert 'matplotlib' in sys.modules and 'matplotlib.pyplot' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_missing_matplotlib_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(CapabilityError, match=r'pip install "diabolo\[report\]"'):
        comparison({"a": 1.0})
