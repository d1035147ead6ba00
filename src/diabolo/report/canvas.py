"""The look of every figure: one palette, thin axes, no global state.

Figures are made with matplotlib's objects, never with pyplot, so that they can be drawn in any thread of a server and
leave the user's own plots alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diabolo.errors import CapabilityError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

INK, GREY, PALE = "#27313f", "#8a94a3", "#e3e7ec"
BLUE, ORANGE = "#2a6fab", "#d9772b"
CLASSES = (BLUE, ORANGE, "#3d8f5f", "#a64d79", "#7a68b3", "#c2a21f", "#4aa5b8", "#c0504a", "#6b7686", "#8b6a4f")
DIVERGING = "RdBu_r"
GRADIENT = "viridis"


def blank(width: float, height: float) -> Figure:
    """Return an empty white figure of a size in inches, which keeps its parts from overlapping.

    Raises
    ------
    CapabilityError
        If matplotlib is not installed.

    Examples
    --------
    >>> blank(4, 3).get_size_inches().tolist()
    [4.0, 3.0]
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise CapabilityError('Plots need matplotlib, which is missing; pip install "diabolo[report]".') from error
    return Figure(figsize=(width, height), layout="constrained", facecolor="white")


def plain(axes: Axes, x: str = "", y: str = "") -> Axes:
    """Give axes the look of the house: two thin spines, small grey ticks, a pale grid along `y`."""
    axes.set_facecolor("white")
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set(color=GREY, linewidth=0.6)
    axes.tick_params(which="both", color=GREY, labelcolor=INK, labelsize=8, width=0.6, length=3)
    axes.grid(True, axis="y", color=PALE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel(x, color=INK, fontsize=9)
    axes.set_ylabel(y, color=INK, fontsize=9)
    return axes


def picture(axes: Axes, pixels: Any, cmap: str = "gray", limits: tuple[float, float] = (0.0, 1.0)) -> Any:
    """Show pixels (H, W) or (H, W, 3) as they are, without axes, and return the image."""
    axes.set_axis_off()
    return axes.imshow(pixels, cmap=cmap, vmin=limits[0], vmax=limits[1], interpolation="nearest")


def counted(axis: Axis) -> None:
    """Put ticks at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axis.set_major_locator(MaxNLocator(nbins="auto", integer=True))


def logarithmic(axes: Axes) -> None:
    """Make the vertical axis logarithmic, with ticks at 1, 2, 5, 10, 20, … written as plain numbers."""
    from matplotlib.ticker import LogLocator

    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_minor_formatter("")


def scale_bar(figure: Figure, drawn: ScalarMappable, beside: Any, label: str = "") -> None:
    """Add a slim colour bar beside axes."""
    bar = figure.colorbar(drawn, ax=beside, shrink=0.8, aspect=25, pad=0.01)
    bar.outline.set_visible(False)
    bar.ax.tick_params(labelsize=8, labelcolor=INK, color=GREY, width=0.6, length=3)
    bar.set_label(label, color=INK, fontsize=8)


def title(axes: Axes, text: str) -> None:
    """Write a title at the left, where reading starts."""
    axes.set_title(words(text, 90), loc="left", color=INK, fontsize=10)


def legend(axes: Axes) -> None:
    """Add a legend without a frame."""
    axes.legend(frameon=False, fontsize=8, labelcolor=INK)


def words(text: object, most: int = 40) -> str:
    r"""Print anything as a label: short, and neither a formula nor hidden, as matplotlib takes ``$`` and ``_``.

    Examples
    --------
    >>> print(words("_cost in $"))
     _cost in \$
    """
    label = str(text)
    label = label if len(label) <= most else f"{label[: most - 1]}…"
    label = label.replace("$", r"\$")
    return f" {label}" if label.startswith("_") else label
