"""What is learned of samples of one kind: from them to chunks of bytes, and back."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

from numpy.typing import NDArray

from diabolo.check import unknown
from diabolo.codec.fidelity import Fidelity
from diabolo.codec.packed import pack, unpack
from diabolo.coders import Coder, Setting
from diabolo.errors import FileError
from diabolo.training import History

State = tuple[dict[str, Any], dict[str, NDArray[Any]]]
"""Plain JSON, and arrays of whole numbers."""


@dataclass
class Tally:
    """What came of compressing: it is complete once all chunks are there.

    Parameters
    ----------
    raw : int
        Bytes of the samples as numbers of their types.
    worst : float
        No number that need not be exact is farther off: the largest error, or a little above.
    saved : int
        Bytes that a net saved.
    """

    raw: int = 0
    worst: float = 0.0
    saved: int = 0


class Packing(ABC):
    """What was learned of samples of one kind."""

    kinds: ClassVar[dict[str, type[Packing]]] = {}
    """The closed table of kinds, by the name in a file."""

    kind: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        Packing.kinds[cls.kind] = cls

    @staticmethod
    @abstractmethod
    def suits(X: Any) -> bool:
        """Tell whether samples are of this kind."""

    @classmethod
    @abstractmethod
    def learn(cls, X: Any, fidelity: Fidelity, coder: Coder, setting: Setting) -> Packing:
        """Learn from samples.

        Raises
        ------
        DataError, DataTypeError
            If they cannot be compressed, or not with this fidelity.
        """

    @abstractmethod
    def at(self, fidelity: Fidelity) -> Packing:
        """Return what keeps another promise, by what was learned.

        Raises
        ------
        ParameterError
            If it was learned for one promise only.
        """

    @abstractmethod
    def chunks(self, X: Any, tally: Tally) -> tuple[dict[str, Any], Iterator[bytes]]:
        """Return what is to be known of X, as plain JSON, and its chunks; `tally` is kept as these are made.

        Raises
        ------
        DataError
            If X is not like what was learned from.
        """

    @abstractmethod
    def worth(self, tally: Tally) -> Packing:
        """Return what to put into a file of such chunks: itself, or less, where a net saved less than it takes."""

    @abstractmethod
    def parts(self, head: dict[str, Any]) -> int:
        """Return how many chunks there are.

        Raises
        ------
        FileError
            If what is known of X is impossible.
        """

    @abstractmethod
    def part(self, head: dict[str, Any], number: int, chunk: bytes) -> Any:
        """Return the part of X that became the chunk of this number.

        Raises
        ------
        FileError
            If it is no such chunk.
        """

    @abstractmethod
    def whole(self, head: dict[str, Any], chunks: Sequence[bytes]) -> Any:
        """Return the X that became these chunks.

        Raises
        ------
        FileError
            If they are no such chunks, or not as many as there should be.
        """

    @property
    @abstractmethod
    def promise(self) -> str:
        """What comes back, as a formula."""

    @property
    @abstractmethod
    def history(self) -> History:
        """How a net was trained."""

    @property
    @abstractmethod
    def coder(self) -> Coder:
        """What learned."""

    @abstractmethod
    def state(self) -> State:
        """Return what was learned, to save."""

    @cached_property
    def model(self) -> bytes:
        """What was learned as bytes: the model in a file."""
        plain, arrays = self.state()
        return pack({"kind": self.kind, **plain}, arrays)

    @cached_property
    def identity(self) -> str:
        """Which model it is."""
        return identity(self.model)

    @classmethod
    @abstractmethod
    def restore(cls, plain: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Packing:
        """Return what `state` described.

        Raises
        ------
        FileError
            If it is no such description.
        """


def from_bytes(data: bytes) -> Packing:
    """Return what was learned from its bytes.

    Raises
    ------
    FileError
        If they are no such bytes.
    """
    plain, arrays = unpack(data)
    kind = plain.get("kind")
    if kind not in Packing.kinds:
        raise FileError(f"The file holds an {unknown('kind of model', kind, Packing.kinds)}")
    packing = Packing.kinds[kind].restore(plain, arrays)
    vars(packing)["model"] = data  # not made anew: another version of zstandard may make others
    return packing


def identity(model: bytes) -> str:
    """Return which model it is: the SHA-256 of its bytes.

    Examples
    --------
    >>> identity(b"")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(model).hexdigest()
