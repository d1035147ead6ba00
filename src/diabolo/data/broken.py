"""Broken files: whatever a decoder raises becomes one sentence that names the file."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from diabolo.check import shorten
from diabolo.errors import DiaboloError, FileError

_BROKEN = (OSError, ValueError, EOFError, SyntaxError, KeyError, MemoryError, NotImplementedError, RuntimeError)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Read `path` inside the block.

    Raises
    ------
    FileError
        In place of what decoders raise when a file is cut, broken or foreign.

    Examples
    --------
    >>> with readable(Path("x.npy")):
    ...     raise EOFError("no data left")
    Traceback (most recent call last):
    ...
    diabolo.errors.FileError: 'x.npy' is cut, broken or foreign ('no data left'); write it anew.
    """
    try:
        yield
    except DiaboloError:
        raise
    except (*_BROKEN, zipfile.BadZipFile, zlib.error) as error:
        reason = shorten(str(error).strip().partition("\n")[0], 200)
        raise FileError(f"{path.name!r} is cut, broken or foreign ({reason}); write it anew.") from error
