"""Read a sparse dictionary of whichever library: what lies in the folder tells which."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

from torch import Tensor

from diabolo.check import listed
from diabolo.errors import DataError, FileError, MissingFileError, ParameterError
from diabolo.exchange import dictionary_learning, saelens, sparsify
from diabolo.exchange.arrays import load_state
from diabolo.exchange.config import Config
from diabolo.exchange.dictionary_learning import from_dictionary_learning
from diabolo.exchange.openai import MARK, from_openai
from diabolo.exchange.saelens import read_saelens
from diabolo.exchange.sparsify import read_sparsify
from diabolo.exchange.weights import Weights
from diabolo.files import FilePath
from diabolo.files.disk import explained, real

_MANY = 10_000  # entries of a folder that are looked at


def read(path: FilePath) -> Weights:
    """Read a dictionary that SAELens, sparsify, dictionary_learning or openai/sparse_autoencoder wrote.

    Nothing in the files is executed, and everything is checked before it is believed.

    Parameters
    ----------
    path : path
        The folder of one dictionary, or a file in it: cfg.json with sae_weights.safetensors (SAELens) or
        sae.safetensors (sparsify), config.json with ae.pt (dictionary_learning), or a .pt of openai/sparse_autoencoder.

    Raises
    ------
    MissingFileError
        If nothing is there.
    FileError
        If what is there is cut, foreign, of a kind that is not read, or holds several dictionaries.

    Examples
    --------
    >>> read("nowhere")
    Traceback (most recent call last):
    ...
    diabolo.errors.MissingFileError: There is no dictionary at ...nowhere; check the path.
    """
    source = real(path)
    try:
        with explained(source, "read"):
            return _read(source)
    except (DataError, ParameterError) as error:
        raise FileError(f"{source} holds no sound dictionary: {error}") from error


def _read(source: Path) -> Weights:
    if not source.exists():
        raise MissingFileError(f"There is no dictionary at {source}; check the path.")
    if source.suffix == ".pt":
        return _read_state(source)
    folder = source if source.is_dir() else source.parent
    reader = _reader(folder)
    if reader is not None and (source.is_dir() or source.name in _NAMES):
        return reader(folder)
    raise FileError(f"{source} is no dictionary of a library that is read; {_advice(folder)}")


def _reader(folder: Path) -> Any:
    return next((reader for name, reader in _READERS.items() if (folder / name).is_file()), None)


def _read_state(file: Path) -> Weights:
    state = load_state(file)
    if isinstance(state.get(MARK), Tensor):
        return from_openai(file, state)
    beside = (file.with_name(dictionary_learning.CONFIG), file.parent.with_name(dictionary_learning.CONFIG))
    config = next((place for place in beside if place.is_file()), beside[0])  # above the folder of its checkpoints
    return from_dictionary_learning(file, state, Config.read(config))


def _advice(folder: Path) -> str:
    inside = sorted(place.name for place in islice(folder.iterdir(), _MANY) if place.is_dir() and _reader(place))
    if inside:
        return f"give one of the folders in it that are: {listed(inside)}."
    return f"give a folder with one of {', '.join(_READERS)} in it."


_READERS = {
    saelens.WEIGHTS: read_saelens,
    sparsify.WEIGHTS: read_sparsify,
    dictionary_learning.WEIGHTS: lambda folder: _read_state(folder / dictionary_learning.WEIGHTS),
}
"""The file that tells → what reads its folder."""

_NAMES = {*_READERS, saelens.CONFIG, dictionary_learning.CONFIG}
