"""A report: one HTML file that needs nothing else."""

from __future__ import annotations

import base64
import html
import io
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from unicodedata import category

from diabolo.check import OneOf, demand
from diabolo.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_MIME = {"png": "image/png", "svg": "image/svg+xml"}

_STYLE = """
.diabolo { --ink: #27313f; --soft: #667080; --line: #e3e7ec; --page: #ffffff; color-scheme: light dark;
  max-width: 54rem; margin: 0 auto; padding: 1rem; color: var(--ink); background: var(--page);
  font: 16px/1.55 system-ui, sans-serif; overflow-wrap: anywhere; }
@media (prefers-color-scheme: dark) {
  .diabolo { --ink: #dde3ea; --soft: #9aa5b3; --line: #3a4350; --page: #171b21; } }
.diabolo h1 { font-size: 1.6rem; line-height: 1.25; margin: 0.5rem 0 1rem; }
.diabolo h2 { font-size: 1.2rem; line-height: 1.3; margin: 2rem 0 0.5rem; }
.diabolo p { margin: 0.5rem 0; white-space: pre-line; }
.diabolo .wide { overflow-x: auto; margin: 1rem 0; }
.diabolo table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
.diabolo th, .diabolo td { padding: 0.3rem 0.9rem 0.3rem 0; border-bottom: 1px solid var(--line); text-align: left;
  white-space: nowrap; }
.diabolo th { color: var(--soft); font-weight: 600; }
.diabolo .number { text-align: right; }
.diabolo figure { margin: 1rem 0; }
.diabolo img { max-width: 100%; height: auto; background: #ffffff; border-radius: 6px; }
.diabolo figcaption { color: var(--soft); font-size: 0.9rem; }
"""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"/>
<meta name="color-scheme" content="light dark"/>
<title>{title}</title>
<style>body {{ margin: 0; background: Canvas; }}</style>
</head>
<body>
{body}
</body>
</html>
"""


class Page:
    """A report that grows piece by piece; every text is escaped.

    Parameters
    ----------
    title : str
        Its title.

    Attributes
    ----------
    facts : dict
        What it shows in numbers, as plain JSON, for those who read no pages.

    Examples
    --------
    >>> page = Page("Digits")
    >>> page.paragraph("5 < 7")
    >>> page.table([{"model": "PCA", "error": 0.25}])
    >>> "5 &lt; 7" in page.html()
    True
    """

    def __init__(self, title: str) -> None:
        self.title = title
        self.facts: dict[str, Any] = {}
        self._pieces = [f"<h1>{_text(title)}</h1>"]

    def heading(self, text: str) -> None:
        """Add a heading."""
        self._pieces.append(f"<h2>{_text(text)}</h2>")

    def paragraph(self, text: str) -> None:
        """Add a paragraph; its line ends are kept."""
        self._pieces.append(f"<p>{_text(text)}</p>")

    def table(self, rows: Sequence[Mapping[str, object]]) -> None:
        """Add a table: a column for every key, in order of appearance, empty where a row lacks it."""
        names = list(dict.fromkeys(name for row in rows for name in row))
        numbers = {name for name in names if all(_is_number(row[name]) for row in rows if name in row)}
        head = "".join(f"<th{_aligned(name in numbers)}>{_text(name)}</th>" for name in names)
        body = "\n".join(
            f"<tr>{''.join(_cell(row.get(name, ''), name in numbers) for name in names)}</tr>" for row in rows
        )
        self._pieces.append(
            f'<div class="wide"><table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>'
        )

    def figure(self, figure: Figure, caption: str = "", form: Literal["png", "svg"] = "png") -> None:
        """Add a figure, stored inside the page, with a caption that also describes it to those who cannot see it.

        Raises
        ------
        ParameterError
            If `form` is neither "png" nor "svg".
        """
        demand("form", "Page.figure", form, OneOf(*_MIME))
        buffer = io.BytesIO()
        figure.savefig(buffer, format=form, dpi=160)
        data = base64.b64encode(buffer.getvalue()).decode()
        width = round(figure.get_size_inches()[0] * 96)
        self._pieces.append(
            f'<figure><img width="{width}" alt="{_text(caption)}" src="data:{_MIME[form]};base64,{data}"/>'
            f"<figcaption>{_text(caption)}</figcaption></figure>"
        )

    def html(self) -> str:
        """Return the page as one HTML document that refers to nothing outside itself."""
        return _PAGE.format(title=_text(self.title), body=self._repr_html_())

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page, whole or not at all.

        Raises
        ------
        FileError
            If the path cannot be written.
        """
        write_bytes(path, self.html().encode())

    def _repr_html_(self) -> str:
        pieces = "\n".join(self._pieces)
        return f'<div class="diabolo">\n<style>{_STYLE}</style>\n{pieces}\n</div>'


def _text(value: object) -> str:
    """Escape anything, and replace what no HTML file may hold: control characters and halves of characters."""
    safe = "".join("\ufffd" if category(c) in ("Cc", "Cs") and c not in "\n\t" else c for c in str(value))
    return html.escape(safe)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cell(value: object, number: bool) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return f"<td{_aligned(number)}>{_text(text)}</td>"


def _aligned(number: bool) -> str:
    return ' class="number"' if number else ""
