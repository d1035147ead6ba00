"""Where results go: never over what is read."""

from __future__ import annotations

from pathlib import Path

from diabolo.data import IMAGES
from diabolo.data.reading import split_key
from diabolo.errors import FileError
from diabolo.files.disk import FilePath, real

_PAGES, _PARTS = (".html", ".htm"), (*IMAGES, ".parquet", ".json", ".safetensors")


def demand_apart(output: Path, *sources: FilePath | None) -> None:
    """Raise FileError if what is to be written would replace what is read, or a part of it.

    Of a folder that are pictures, Parquet and what models are made of; a page or a table may lie beside them.

    Examples
    --------
    >>> demand_apart(Path("found.csv"), "rows.csv", None)
    >>> demand_apart(Path("rows.csv"), "rows.csv")
    Traceback (most recent call last):
    ...
    diabolo.errors.FileError: 'rows.csv' is itself among what is read; name another file to write.
    """
    target = real(output)
    for source in (real(split_key(Path(each))[0]) for each in sources if each is not None):
        inside = source in target.parents and target.is_file() and target.suffix.lower() in _PARTS
        if inside or source == target:
            raise FileError(f"{output.name!r} is itself among what is read; name another file to write.")


def demand_page(output: Path) -> None:
    """Raise FileError unless a page is to be written under the name of one."""
    if output.suffix.lower() not in _PAGES:
        raise FileError(f"A report is a page; name a file that ends in .html. Got {output.name!r}.")
