"""A picture: a file of one picture or of a stack of pages, whose pixels can be put back."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from diabolo.errors import CapabilityError, DataError, FileError


class Picture(ABC):
    """A file of one picture, or of a stack of pages, which are read one at a time.

    Pages are arrays (C, H, W) in the depth of the file: uint8, uint16, float32 or what else a TIFF holds. Colours of a
    palette are looked up, fewer than 8 bits are spread over 8, alpha is kept aside, and the orientation that a camera
    noted is applied. `len` counts the pages, a loop reads them, and `with` closes the file.

    Parameters
    ----------
    path : Path
        The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.path.name

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def planes(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the pixels (C, H, W) of page i, and the planes (A, H, W) that are kept aside, such as alpha."""

    @abstractmethod
    def demand_kept(self) -> None:
        """Raise unless a file of this format can hold what pages become.

        Raises
        ------
        DataError
            With what to do.
        """

    @abstractmethod
    def save(self, file: Path, pages: Iterable[np.ndarray]) -> None:
        """Write other pages (C, H, W) in place of these: format, depth, alpha and metadata are as they were.

        Raises
        ------
        DataError
            If they do not fit.
        """

    @abstractmethod
    def close(self) -> None:
        """Close the file, and forget its pixels."""

    def __iter__(self) -> Iterator[np.ndarray]:
        for i in range(len(self)):
            with decoding(self.path):
                pixels = self.planes(i)[0]
            yield pixels

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


@contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Turn whatever decoders of broken files raise into one sentence that names the file.

    Raises
    ------
    FileError
        In place of any exception of the block but those of a package that is missing.

    Examples
    --------
    >>> with decoding(Path("a.png")):
    ...     raise SyntaxError("broken PNG file")
    Traceback (most recent call last):
    ...
    diabolo.errors.FileError: Cannot read the image 'a.png' (broken PNG file); remove it, or save it anew.
    """
    try:
        yield
    except CapabilityError:
        raise
    except Exception as error:
        raise FileError(f"Cannot read the image {path.name!r} ({error}); remove it, or save it anew.") from error


def in_depth(page: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return a page in the depth of its file: whole numbers are rounded and clipped to what it can hold.

    Raises
    ------
    DataError
        If a whole number is to be made of NaN.

    Examples
    --------
    >>> in_depth(np.array([-3.0, 7.6, 300.0]), np.dtype(np.uint8)).tolist()
    [0, 8, 255]
    """
    if page.dtype == dtype or dtype.kind == "f":
        return page.astype(dtype, copy=False)
    if page.dtype.kind == "f" and np.isnan(page).any():
        raise DataError("What is to be written holds NaN, which whole numbers cannot; look at the model and its data.")
    ends = np.iinfo(dtype)
    wide = page.astype(np.float64) if dtype.itemsize > 2 else page  # float32 cannot tell 2³² − 1 from 2³²
    return np.rint(wide).clip(ends.min, ends.max).astype(dtype)


def beside(page: np.ndarray, aside: np.ndarray) -> np.ndarray:
    """Return the planes (C + A, H, W) of a page and of what was kept aside.

    Raises
    ------
    DataError
        If they differ in size.

    Examples
    --------
    >>> beside(np.zeros((3, 4, 4), np.uint8), np.ones((1, 4, 4), np.uint8)).shape
    (4, 4, 4)
    """
    if not len(aside):
        return page
    if page.shape[1:] != aside.shape[1:]:
        raise DataError(
            f"Alpha of {aside.shape[2]}x{aside.shape[1]} pixels does not fit a picture of {page.shape[2]}x"
            f"{page.shape[1]}; take the alpha away first, or keep the size."
        )
    return np.concatenate([page, aside.astype(page.dtype, copy=False)])


def suits(profile: bytes, channels: int) -> bool:
    """Tell whether a colour profile (ICC) is one of so many channels.

    Examples
    --------
    >>> suits(bytes(16) + b"RGB " + bytes(100), 1)
    False
    """
    return profile[16:20] == {1: b"GRAY", 3: b"RGB "}.get(channels)
