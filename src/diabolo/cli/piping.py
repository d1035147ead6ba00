"""Standard input and standard output as files, where a command line says "-"."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from diabolo.codec.layout import MAGIC
from diabolo.errors import DiaboloError, ParameterError

PIPE = "-"
"""What a command line says for standard input or output."""

_ENDINGS = {
    MAGIC: ".dbl",
    b"PAR1": ".parquet",
    b"\x93NUMPY": ".npy",
    b"PK\x03\x04": ".npz",
    b"\x89PNG": ".png",
    b"\xff\xd8\xff": ".jpg",
    b"II*\x00": ".tif",
    b"MM\x00*": ".tif",
    b"II+\x00": ".tif",
    b"MM\x00+": ".tif",
    b"BM": ".bmp",
    b"GIF8": ".gif",
    b"RIFF": ".webp",
    b"P5": ".pgm",
    b"P6": ".ppm",
}
"""What files begin with that are no text; all else is a table of text."""

_LOOKED_AT = 512
"""Bytes that tell whether it is text."""


@contextmanager
def arriving(sources: Sequence[str]) -> Iterator[list[str]]:
    """Give the files that are meant: for "-" one of what comes by standard input, which is there as long as it is used.

    Raises
    ------
    ParameterError
        If it is to be read twice.
    """
    if PIPE not in sources:
        yield list(sources)
        return
    if sources.count(PIPE) > 1:
        raise ParameterError("Standard input, '-', can be read once; name it once, or files.")
    with TemporaryDirectory() as folder:
        file = _kept(Path(folder))
        try:
            yield [str(file) if source == PIPE else source for source in sources]
        except DiaboloError as error:  # nobody knows the folder
            raise type(error)(str(error).replace(f"{folder}/", "")) from error


@contextmanager
def leaving(output: Path, ending: str) -> Iterator[Path]:
    """Give the file to write; for "-" one of this ending, whose bytes go to standard output once it is whole."""
    if str(output) != PIPE:
        yield output
        return
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"stdout{ending}"
        yield path
        try:
            with path.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        except BrokenPipeError:  # who reads has seen enough, as `head` has
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _kept(folder: Path) -> Path:
    """Return a file of what comes by standard input, its ending told by what it begins with."""
    begin = sys.stdin.buffer.read(_LOOKED_AT)
    text = all(byte > 8 for byte in begin)
    ending = ".csv" if text else next((name for first, name in _ENDINGS.items() if begin.startswith(first)), ".csv")
    path = folder / f"stdin{ending}"
    with path.open("wb") as file:
        file.write(begin)
        shutil.copyfileobj(sys.stdin.buffer, file)
    return path
