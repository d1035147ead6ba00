"""A model on the disk: a folder, or one zip where the path ends in ".zip", with exactly two files.

    model.json             what the model is: plain JSON, with the format number and two SHA-256
    weights.safetensors    every array, by name

Every change to a bit that counts is noticed. That guards against accidents, not against a forger, who can compute a
SHA-256 as well; against a forger stands that nothing in the files is ever executed.
"""

from __future__ import annotations

import hashlib
import json
import math
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from diabolo.check import shorten
from diabolo.errors import FileError, MissingFileError
from diabolo.files import tensors
from diabolo.files.disk import FilePath, explained, read_file, real, replace_folder, replacing, standing

FORMAT = 1
"""The format number this version writes; it reads every number up to it."""

DOCUMENT, WEIGHTS = "model.json", "weights.safetensors"
MOST = {DOCUMENT: 2**24, WEIGHTS: tensors.MOST}
"""The largest size, in bytes, at which each file is read."""

DEPTH = 64
"""How deep the values of model.json may nest."""

BESIDE = {"report.html", ".DS_Store"}
"""What may lie in a model folder that a save replaces, and goes with it."""


def save(path: FilePath, document: Mapping[str, Any], arrays: Mapping[str, Tensor]) -> None:
    """Write a model, in place of an older one if there is one.

    Parameters
    ----------
    path : path
        Folder, or zip if it ends in ".zip". Missing parents are made.
    document : dict
        JSON values with finite numbers. "format", "library", "weights_sha256" and "document_sha256" are added.
    arrays : dict of Tensor
        Dense, of any shape and device.

    Raises
    ------
    FileError
        If something other than a model is there, the path cannot be written, or the content cannot be kept; what was
        there stays.

    Examples
    --------
    >>> import tempfile, torch
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save(f"{folder}/model", {"job": "Reducer"}, {"mean": torch.ones(2)})
    ...     document, arrays = load(f"{folder}/model")
    >>> document["job"], document["format"], arrays
    ('Reducer', 1, {'mean': tensor([1., 1.])})
    """
    target = demand_place(path)
    weights = tensors.pack(target, arrays)
    files = {DOCUMENT: _seal(target, document, weights), WEIGHTS: weights}
    with explained(target, "written"):
        if not _zipped(target):
            replace_folder(target, files)
            return
        with replacing(target) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_STORED) as archive:
            for name, data in files.items():
                archive.writestr(zipfile.ZipInfo(name), data)  # a fixed date: equal models give equal files


def demand_place(path: FilePath) -> Path:
    """Return the absolute path of a model to save, which is known before it is trained for hours.

    Raises
    ------
    FileError
        If something other than a model is there.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     demand_place(f"{folder}/model").name
    'model'
    """
    target = real(path)
    with explained(target, "written"):
        if target.exists() and not _replaceable(target):
            raise FileError(f"{target} exists and is no model of diabolo; choose another path, or move it away first.")
    return target


def load(path: FilePath) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read a model back: its document and its arrays, on the cpu. Nothing in the files is executed.

    Raises
    ------
    MissingFileError
        If nothing is there.
    FileError
        If what is there is cut, edited, foreign or of a newer format.

    Examples
    --------
    >>> load("nowhere")
    Traceback (most recent call last):
    ...
    diabolo.errors.MissingFileError: There is no model at ...nowhere; check the path.
    """
    target = real(path)
    with suppress(FileError):
        return _load(target)
    return _load(target)  # a save may have come between the reads of the two files


def _load(target: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    with explained(target, "read"):
        source = standing(target)
        if not source.exists():
            raise MissingFileError(f"There is no model at {target}; check the path.")
    document = _parse(source, _read(source, DOCUMENT))
    _check_format(source, document)
    weights = _read(source, WEIGHTS)
    if document.get("weights_sha256") != hashlib.sha256(weights).hexdigest():
        raise FileError(
            f"{WEIGHTS} of {source} was edited or cut: its SHA-256 is not the noted one; copy the model again."
        )
    return document, tensors.unpack(source, weights)


def _check_format(source: Path, document: dict[str, Any]) -> None:
    number = document.get("format")
    if type(number) is not int or number < 1:
        raise FileError(f"{DOCUMENT} of {source} names no format, so it is no model of diabolo; give a saved model.")
    if number > FORMAT:
        raise FileError(f"{source} has format {shorten(number)}, this diabolo reads up to {FORMAT}; upgrade diabolo.")
    if document.get("document_sha256") != _digest(document):
        raise FileError(f"{DOCUMENT} of {source} was edited: its SHA-256 is not the noted one; copy the model again.")


def _replaceable(target: Path) -> bool:
    if target.is_dir() == _zipped(target):
        return False
    names = {file.name for file in target.iterdir()} if target.is_dir() else {DOCUMENT}
    if not names <= {DOCUMENT, WEIGHTS} | BESIDE:
        return False
    try:
        return not names or type(_parse(target, _read(target, DOCUMENT)).get("format")) is int
    except FileError:
        return False


def _seal(target: Path, document: Mapping[str, Any], weights: bytes) -> bytes:
    from diabolo import __version__  # at the place of use: the package reads this file

    added = {"format": FORMAT, "library": __version__, "weights_sha256": hashlib.sha256(weights).hexdigest()}
    try:
        plain = json.loads(json.dumps({**document, **added}, allow_nan=False, default=_python))
    except (TypeError, ValueError, RecursionError) as error:
        raise FileError(f"The document for {target} is no plain JSON ({error}); give finite plain values.") from error
    text = json.dumps(plain | {"document_sha256": _digest(plain)}, indent=1).encode()
    _parse(target, text)  # what could not be read back is not written
    return text


def _python(value: object) -> object:
    """Return the number of Python that one of numpy is, such as a parameter that was an entry of a grid."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"{type(value).__name__} is no plain value")


def _digest(document: dict[str, Any]) -> str:
    body = {key: value for key, value in document.items() if key != "document_sha256"}
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()


def _parse(source: Path, text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text.decode(), parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        raise FileError(f"{DOCUMENT} of {source} is no JSON ({error}); copy the model again.") from error
    if not isinstance(value, dict) or len(text) > MOST[DOCUMENT] or not _shallow(value):
        raise FileError(
            f"{DOCUMENT} of {source} must be one JSON object of at most {MOST[DOCUMENT]} bytes and {DEPTH} levels; "
            "keep what is larger as arrays."
        )
    return value


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:20]} is not finite")
    return value


def _shallow(value: object) -> bool:
    level = [value]
    for _ in range(DEPTH):
        nested = [item for item in level if isinstance(item, dict | list)]
        level = [child for item in nested for child in (item.values() if isinstance(item, dict) else item)]
    return not level


def _read(source: Path, name: str) -> bytes:
    if source.is_dir():
        return read_file(source / name, MOST[name])
    if not _zipped(source):
        raise FileError(
            f"{source} is a file, but a model is a folder or a .zip that diabolo wrote; give one of those: pickles and "
            "files of torch.save are never read."
        )
    try:
        with zipfile.ZipFile(source) as archive:
            return _read_entry(source, archive, name)
    except FileError:
        raise
    except Exception as error:  # zipfile raises of every kind on hostile bytes
        raise FileError(f"{source} is cut or no zip ({error}); copy the model again.") from error


def _read_entry(source: Path, archive: zipfile.ZipFile, name: str) -> bytes:
    names = sorted(archive.namelist())
    if names != sorted([DOCUMENT, WEIGHTS]):
        raise FileError(
            f"{source} holds {shorten(names)}, not exactly {DOCUMENT} and {WEIGHTS}; give a zip that diabolo wrote."
        )
    entry = archive.getinfo(name)
    # stored, an entry is no larger than the zip: there is nothing that could swell
    if entry.compress_type != zipfile.ZIP_STORED or entry.file_size > min(source.stat().st_size, MOST[name]):
        raise FileError(f"{name} in {source} is compressed or too large; unpack the zip and give the folder.")
    return archive.read(entry)


def _zipped(path: Path) -> bool:
    return path.suffix.lower() == ".zip"
