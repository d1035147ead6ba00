"""Compressed files, opened: what they hold, whether they are whole, and what became them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from numbers import Integral
from os import PathLike
from typing import TYPE_CHECKING, Any

from diabolo.check import shorten
from diabolo.codec.container import Container
from diabolo.errors import FileError, ParameterError
from diabolo.estimators.compression.packing import Packing, from_bytes, identity

if TYPE_CHECKING:
    from diabolo.estimators.compression.compressor import Compressor

Source = bytes | str | PathLike[str]


@dataclass(frozen=True)
class Opened:
    """A compressed file and the model that reads it.

    Parameters
    ----------
    container : Container
        The file.
    packing : Packing
        The model, the file's own or one that was given.
    embedded : bool
        Whether the model is in the file.
    """

    container: Container
    packing: Packing
    embedded: bool

    def __len__(self) -> int:
        return len(self.container) - self.embedded

    def __iter__(self) -> Iterator[Any]:
        """Yield the samples part by part, one in memory at a time."""
        return map(self.part, range(len(self)))

    def part(self, number: int) -> Any:
        """Return a part of the samples; nothing else is read and decoded.

        They are rows of a table, also the points of series, and the pixels of images that a coder of tables wrote; of
        other images some.

        Raises
        ------
        ParameterError
            If there is no part of this number.
        FileError
            If it is damaged.
        """
        if not isinstance(number, Integral) or not 0 <= number < len(self):
            raise ParameterError(
                f"Parameter 'number' of part must be from 0 to {len(self) - 1}, as the file has {len(self)} part(s); "
                f"got {shorten(number)}."
            )
        with _understood():
            return self.packing.part(self.container.head, int(number), self.container.chunk(number + self.embedded))

    def samples(self) -> Any:
        """Return all samples."""
        with _understood():
            chunks = [self.container.chunk(i) for i in range(self.embedded, len(self.container))]
            return self.packing.whole(self.container.head, chunks)

    def verify(self) -> None:
        """Decode every part, one in memory at a time.

        Raises
        ------
        FileError
            If one is damaged, or there are more or fewer than there should be.
        """
        with _understood():
            if self.packing.parts(self.container.head) != len(self):
                raise FileError("The file says that it has other samples than its chunks hold; copy it again.")
        for _ in self:
            pass


@contextmanager
def opened(source: Source, model: Compressor | Packing | None = None) -> Iterator[Opened]:
    """Open a compressed file, or its bytes, to read some of it; use it as ``with opened(...)``.

    Parameters
    ----------
    source : bytes or path
        What `Compressor.compress` returned, or a file of it.
    model : Compressor or Packing, optional
        Reads it, if it does not hold its own model.

    Raises
    ------
    FileError
        If it is cut, changed, foreign or of a newer format, or needs another model.
    ParameterError
        If it does not hold its model, and none is given.

    Examples
    --------
    >>> import numpy as np
    >>> from diabolo import Compressor
    >>> X = np.arange(8).reshape(4, 2)
    >>> with opened(Compressor().fit(X).compress(X)) as file:
    ...     len(file), [part.tolist() for part in file]
    (1, [[[0, 1], [2, 3], [4, 5], [6, 7]]])
    """
    known = model if model is None or isinstance(model, Packing) else model.packing_
    with Container.open(source) as container:
        with _understood():
            file = _opened(container, known)
        yield file


@contextmanager
def _understood() -> Iterator[None]:
    """Turn what goes wrong with a head or a chunk that is none of ours into an error of the file."""
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        if isinstance(error, FileError | ParameterError):
            raise
        raise FileError(f"The file describes nothing that this diabolo compresses ({error}); it is foreign.") from error


def _opened(container: Container, model: Packing | None) -> Opened:
    name, embedded = container.head.get("model"), container.head.get("embedded")
    if type(embedded) is not bool or not isinstance(name, str | None) or (name is None and not embedded):
        raise FileError("The file names no model; it was not written by a Compressor.")
    if not embedded:
        return Opened(container, _the_one(str(name), model), False)
    if not len(container):
        raise FileError("The file says that it holds its model, but holds nothing; copy it again.")
    data = container.chunk(0)
    if name is not None and identity(data) != name:  # as format 1 had it
        raise FileError("The model in the file is not the one that it names; copy the file again.")
    return Opened(container, from_bytes(data), True)


def _the_one(name: str, model: Packing | None) -> Packing:
    """Return the model, if it is the one of that name."""
    if model is None:
        raise ParameterError(
            f"The file does not hold its model, {name[:12]}…; decompress it with the Compressor that wrote it."
        )
    if model.identity != name:
        raise FileError(
            f"The model {shorten(name[:12])} wrote the file, this is {model.identity[:12]}; give the one that wrote it."
        )
    return model


def decompress(source: Source) -> Any:
    """Return the samples of a compressed file that holds its model, in the form that they had.

    Parameters
    ----------
    source : bytes or path
        What `Compressor.compress` returned, or a file of it.

    Raises
    ------
    FileError
        If it is cut, changed, foreign or of a newer format.
    ParameterError
        If it does not hold its model.
    MissingFileError
        If nothing is there.

    Examples
    --------
    >>> import numpy as np
    >>> from diabolo import Compressor
    >>> X = np.arange(8).reshape(4, 2)
    >>> decompress(Compressor().fit(X).compress(X)).tolist()
    [[0, 1], [2, 3], [4, 5], [6, 7]]
    """
    with opened(source) as file:
        return file.samples()


def described(source: Source) -> dict[str, Any]:
    """Return what is known of a compressed file without decompressing it, as plain JSON.

    Its head and its model are checked alone.
    """
    with Container.open(source) as container:
        head, embedded = container.head, bool(container.head.get("embedded"))
        model = container.sizes[0] if embedded and len(container) else 0
        raw = head.get("raw")
        raw = raw if type(raw) is int else 0
        return {
            "kind": head.get("kind"),
            "shape": head.get("shape"),
            "bytes": container.size,
            "model bytes": model,
            "raw bytes": raw,
            "ratio": round(raw / container.size, 3),
            "ratio without model": round(raw / max(1, container.size - model), 3),
            "promise": head.get("promise"),
            "worst error": head.get("worst"),
            "chunks": len(container) - embedded,
            "model": identity(container.chunk(0)) if model else head.get("model"),
            "identity": container.identity,
        }


def verified(source: Source, model: Packing | None = None) -> dict[str, Any]:
    """Read all of a compressed file: its checksums, and where there is a model every sample; return what it is.

    Raises
    ------
    FileError
        If a bit of it is not as it was written.
    """
    with Container.open(source) as container:
        container.verify()
        embedded = bool(container.head.get("embedded"))
    if embedded or model is not None:
        with opened(source, model) as file:
            file.verify()
    return described(source)
