"""Where results go: never over what is read."""

from __future__ import annotations

from pathlib import Path

from diabolo.errors import FileError
from diabolo.files.disk import FilePath, real

_PAGES = (".html", ".htm")


def demand_apart(output: Path, *sources: FilePath | None) -> None:
    """Raise FileError if what is to be written would replace what is read.

    Examples
    --------
    >>> demand_apart(Path("found.csv"), "rows.csv", None)
    >>> demand_apart(Path("rows.csv"), "rows.csv")
    Traceback (most recent call last):
    ...
    diabolo.errors.FileError: 'rows.csv' is itself among what is read; name another file to write.
    """
    target = real(output)
    if any(each is not None and real(_file(each)) == target for each in sources):
        raise FileError(f"{output.name!r} is itself among what is read; name another file to write.")


def _file(source: FilePath) -> str:
    """Return the path of a source, without the array of an ``.npz`` that is meant."""
    path, sign, _ = str(source).rpartition(".npz:")
    return f"{path}.npz" if sign else str(source)


def demand_page(output: Path) -> None:
    """Raise FileError unless a page is to be written under the name of one."""
    if output.suffix.lower() not in _PAGES:
        raise FileError(f"A report is a page; name a file that ends in .html. Got {output.name!r}.")
