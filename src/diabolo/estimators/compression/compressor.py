"""Compression: samples as bytes and back, with a promise of how near they come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Self

import numpy as np
import torch
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from diabolo.check import Maybe, shorten
from diabolo.codec.fidelity import Exact, Fidelity
from diabolo.codec.writing import pack, write
from diabolo.coders import Auto, Coder, Setting
from diabolo.errors import DataTypeError, FileError, ParameterError
from diabolo.estimators.compression.compressed import report
from diabolo.estimators.compression.images import Images
from diabolo.estimators.compression.opening import Source, opened
from diabolo.estimators.compression.packing import Packing, Tally, from_bytes, identity
from diabolo.estimators.compression.pieces import Pieces, taken
from diabolo.estimators.compression.tables import Tables
from diabolo.estimators.job import Job
from diabolo.estimators.unchanged import all_or_nothing
from diabolo.part import Some
from diabolo.report import Page
from diabolo.text import parse
from diabolo.training import Callback, History, Training, resolve

PACKINGS: tuple[type[Packing], ...] = (Images, Tables)
"""The kinds of samples, in the order in which they are asked whether they suit."""


class Compressor(Job):
    """Bytes and back: tables, series and images in one self-contained file, never wrong and never larger than plain.

    Parameters
    ----------
    n_components : int, optional
        Size of the code: the hidden units of a net of rows, the channels of an image's code. Chosen by the coder if not
        given.
    coder : Coder or str
        What learns how samples are written: "auto", or `Rows`, `Columns`, ... of `diabolo.coders`, or one as it prints.
    fidelity : Fidelity
        What is promised of what comes back: `Exact`, `Absolute`, `Relative`, `PSNR` or `Rate` of `diabolo.codec`.
    training : Training, optional
        How a net is trained, as suits the coder if not given.
    random_state : int, RandomState or None
        Decides what is drawn at random.
    device : str
        Where nets are trained: "auto", "cpu", "cuda", ... Bytes are the same wherever they are made and read.

    Attributes
    ----------
    packing_ : Packing
        What was learned.
    identity_ : str
        Which model it is: files name it.
    history_ : History
        How the net was trained: a row per epoch.

    Notes
    -----
    X may be a data frame of pandas or polars, an array (N, D), series (N, T, C) or (T, C), images (N, C, H, W) or a
    list of images of several sizes, or the path of a file of one, also of one larger than memory. Data frames come back
    with their types, index and missing values. Whole numbers, words and dates are always exact.

    An iterator of tables alike is compressed as one, with a piece in memory at a time. `opened` reads a file part by
    part.

    Examples
    --------
    >>> from diabolo.codec import Absolute
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(1000, 1)).repeat(3, 1).astype(np.float32)
    >>> compressor = Compressor(fidelity=Absolute(0.01), coder="Columns").fit(X)
    >>> data = compressor.compress(X)
    >>> bool(len(data) < X.nbytes / 3), bool(np.abs(compressor.decompress(data) - X).max() <= 0.01)
    (True, True)
    """

    verbs = ("reconstruct",)
    sizes = Maybe(Job.sizes, "chosen by the coder")
    composition = "coder"

    packing_: Packing
    identity_: str
    history_: History

    def __init__(
        self,
        n_components: int | None = None,
        *,
        coder: Coder | str = "auto",
        fidelity: Fidelity = Exact(),
        training: Training | None = None,
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
    ) -> None:
        self.n_components = n_components
        self.coder = coder
        self.fidelity = fidelity
        self.training = training
        self.random_state = random_state
        self.device = device

    @all_or_nothing
    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        callbacks: Sequence[Callback] = (),
        checkpoint: str | PathLike[str] | None = None,
    ) -> Self:
        """Learn how samples are written in the fewest bytes.

        Parameters
        ----------
        X : data frame, array, tensor, list of images or path
            Samples like those that are to be compressed, best these themselves.
        y : ignored
            Here for scikit-learn.
        callbacks, checkpoint
            Watch and keep the training of a net.

        Raises
        ------
        ParameterError
            If a parameter is not allowed.
        DataError, DataTypeError
            If X cannot be compressed, or not with this fidelity.
        """
        coder, X = self.check_parameters(), taken(X)
        suiting = [kind for kind in PACKINGS if kind.suits(X)]
        if not suiting:
            raise DataTypeError(
                f"X must be a data frame, an array of numbers, or images; got {shorten(X)}. Make an array or "
                "a data frame of it."
            )
        packing = next((kind for kind in suiting if isinstance(coder, Auto) or coder.samples == kind.kind), None)
        if packing is None:
            raise ParameterError(
                f"Parameter 'coder' of Compressor must be 'auto' or one that writes what X holds, a {suiting[0].kind}; "
                f"got {coder!r}, which writes {coder.samples}."
            )
        setting = Setting(self.n_components, self.training, self._seed(), resolve(self.device), callbacks, checkpoint)
        learnt = packing.learn(X, self.fidelity, coder, setting)
        self._keep(learnt, learnt.history)
        return self

    def compress(self, X: Any, *, embed: bool = True, beside: Mapping[str, Any] | None = None) -> bytes:
        """Return samples as the bytes of a file, which say all that is needed to read them.

        Parameters
        ----------
        X : as in `fit`
            Samples of the same kind; of a table, with the same columns.
        embed : bool
            Put the model into the file. Without it the file is smaller, and only this compressor reads it.
        beside : dict, optional
            Plain JSON that the file keeps as "beside" in its head, such as where X is from.

        Raises
        ------
        DataError, DataTypeError
            If X is not like what was learned from.
        FileError
            If `beside` is no plain JSON.
        """
        return pack(*self._made(X, embed, beside))

    def write(
        self, path: str | PathLike[str], X: Any, *, embed: bool = True, beside: Mapping[str, Any] | None = None
    ) -> None:
        """Write samples as a file, whole or not at all: it is read back before it takes its place.

        Parameters
        ----------
        path : path
            What is there is replaced.
        X, embed, beside
            As for `compress`.

        Raises
        ------
        DataError, DataTypeError
            If X is not like what was learned from.
        FileError
            If the path cannot be written; what was there stays.
        """
        write(path, *self._made(X, embed, beside))

    def decompress(self, data: Source) -> Any:
        """Return the samples of a file, in the form that they had: a path or the bytes of one.

        Raises
        ------
        FileError
            If it is cut, changed, foreign or of a newer format, or another model wrote it.
        """
        check_is_fitted(self)
        with opened(data, self.packing_) as file:
            return file.samples()

    def reconstruct(self, X: Any) -> Any:
        """Return samples as they come back from their bytes."""
        return self.decompress(self.compress(X, embed=False))

    def score(self, X: Any, y: Any = None) -> float:
        """Return how many times smaller the bytes of samples are than their numbers, without the model."""
        check_is_fitted(self)
        tally = Tally()
        self.check_parameters()
        _, chunks = self.packing_.at(self.fidelity).chunks(taken(X), tally)
        size = sum(map(len, chunks))
        return tally.raw / max(1, size)

    def report(self, X: Any, y: Any = None) -> Page:
        """Return a page of sizes and errors on X, those of other compressors beside."""
        check_is_fitted(self)
        X = taken(X)
        return report(self, X.whole() if isinstance(X, Pieces) else X)

    @property
    def schedule(self) -> Training:
        """How a net is trained: as said, or as suits the coder."""
        return self.training or Training()

    @staticmethod
    def compose(said: Any) -> Coder:
        """Return the coder of a name, or as written out, or as it is."""
        if said == "auto":
            return Auto()
        part = parse(said, "coders") if isinstance(said, str) else said
        if not isinstance(part, Coder):
            raise ParameterError(
                f"Parameter 'coder' of Compressor must be 'auto' or {Some('coders')}; got {shorten(said)}. Name one."
            )
        return part

    def check_parameters(self) -> Coder:
        """Return the coder, once every parameter is known to be allowed."""
        if not isinstance(self.fidelity, Fidelity):
            raise ParameterError(
                f"Parameter 'fidelity' of Compressor must be {Some('fidelities')}; got {shorten(self.fidelity)}."
            )
        self.fidelity.check()
        return super().check_parameters()

    def facts(self) -> dict[str, Any]:
        """Return what is worth knowing of the fitted estimator, as plain JSON."""
        return {
            "kind": self.packing_.kind,
            "coder": shorten(self.packing_.coder, 500),
            "bits": self.packing_.coder.equation(),
            "promise": self.packing_.promise,
            "model bytes": len(self.packing_.model),
            "model": self.identity_,
            **self.history_.facts(),
        }

    def document(self) -> dict[str, Any]:
        """Return what was learned as plain JSON, to save."""
        return {"identity": self.identity_, "history": self.history_.to_json()}

    def arrays(self) -> dict[str, Tensor]:
        """Return the model as bytes, to save."""
        return {"model": torch.frombuffer(bytearray(self.packing_.model), dtype=torch.uint8)}

    def rebuild(self, document: dict[str, Any], arrays: dict[str, Tensor]) -> None:
        """Take up what `document` and `arrays` gave."""
        data = arrays["model"].to(torch.uint8).numpy().tobytes()
        if document["identity"] != identity(data):
            raise FileError("its model is not the one that it names")
        self._keep(from_bytes(data), History.from_json(document["history"]))

    def _keep(self, packing: Packing, history: History) -> None:
        self.packing_, self.history_, self.identity_ = packing, history, packing.identity

    def _made(self, X: Any, embed: bool, beside: Mapping[str, Any] | None) -> tuple[dict[str, Any], list[bytes]]:
        """Return the head of a file, and its chunks."""
        check_is_fitted(self)
        self.check_parameters()
        tally, packing, X = Tally(), self.packing_.at(self.fidelity), taken(X)
        head, chunks = packing.chunks(X, tally)
        made = list(chunks)  # first, as the head tells what came of them
        again = not isinstance(X, Pieces) or X.rows is not None  # what an iterator yields is gone
        model = self.packing_.worth(tally) if embed and again else self.packing_
        if model is not self.packing_:
            made = list(model.chunks(X, Tally())[1])
        told = {"kind": packing.kind, "promise": packing.promise, "raw": tally.raw, "worst": tally.worst}
        named = {"embedded": True} if embed else {"model": self.identity_, "embedded": False}
        noted = {} if beside is None else {"beside": dict(beside)}
        return {**told, **head, **named, **noted}, [*([model.model] if embed else []), *made]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "packing_")
