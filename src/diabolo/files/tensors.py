"""Arrays as bytes: one safetensors file, its shapes and names checked.

Reference: the safetensors format, https://github.com/huggingface/safetensors.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

import safetensors.torch
import torch
from torch import Tensor

from diabolo.errors import FileError, MissingFileError
from diabolo.files.disk import FilePath, explained, read_file, real, write_bytes

V = TypeVar("V")

MOST = 2**36
"""The largest file of arrays, in bytes, that is read."""


def save_tensors(path: FilePath, arrays: Mapping[str, Tensor], metadata: Mapping[str, Any]) -> None:
    """Write arrays and JSON values into one safetensors file, whole or not at all, as checkpoints need.

    Raises
    ------
    FileError
        If the path cannot be written, or the content cannot be kept; what was there stays.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_tensors(f"{folder}/last.safetensors", {"step": torch.tensor(7)}, {"epoch": 2})
    ...     load_tensors(f"{folder}/last.safetensors")
    ({'step': tensor(7)}, {'epoch': 2})
    """
    try:
        note = json.dumps(dict(metadata))
    except (TypeError, ValueError, RecursionError) as error:
        raise FileError(f"The metadata for {path} are no plain JSON ({error}); give plain values.") from error
    write_bytes(path, pack(path, arrays, note))


def load_tensors(path: FilePath) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read back what `save_tensors` wrote: the arrays, on the cpu, and the metadata.

    Raises
    ------
    MissingFileError
        If nothing is there.
    FileError
        If the file is cut, foreign or no safetensors file.
    """
    source = real(path)
    with explained(source, "read"):
        if not source.exists():
            raise MissingFileError(f"There is no file at {source}; check the path.")
        data = read_file(source, MOST)
    arrays = unpack(source, data)
    try:
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        metadata = json.loads(header["__metadata__"]["diabolo"])
    except (LookupError, TypeError, ValueError, RecursionError):
        metadata = None
    if not isinstance(metadata, dict):
        raise FileError(f"{source} holds no metadata of diabolo; give a file that diabolo wrote.")
    return arrays, metadata


def match(expected: Mapping[str, tuple[int, ...]], arrays: Mapping[str, Tensor]) -> None:
    """Raise unless the arrays are exactly the expected ones, by name and shape.

    Raises
    ------
    FileError
        For the first array that is missing, of another shape, or not expected.

    Examples
    --------
    >>> match({"mean": (3,)}, {"mean": torch.zeros(2)})
    Traceback (most recent call last):
    ...
    diabolo.errors.FileError: Array 'mean' of the file has shape (2,), but the model needs (3,); save the model again.
    """
    for name, shape in expected.items():
        if name not in arrays:
            raise FileError(f"The file holds no array {name!r}, which the model needs; save the model again.")
        found, needed = tuple(arrays[name].shape), tuple(shape)
        if found != needed:
            raise FileError(
                f"Array {name!r} of the file has shape {found}, but the model needs {needed}; save the model again."
            )
    for name in arrays:
        if name not in expected:
            raise FileError(
                f"The file holds an array {name!r}, which the model has no place for; save the model again."
            )


def under(prefix: str, arrays: Mapping[str, V]) -> dict[str, V]:
    """Return the arrays whose names begin with `prefix`, without it.

    Examples
    --------
    >>> list(under("job.", {"job.seen": torch.ones(1), "model.bias": torch.ones(1)}))
    ['seen']
    """
    return {name.removeprefix(prefix): value for name, value in arrays.items() if name.startswith(prefix)}


def pack(path: FilePath, arrays: Mapping[str, Tensor], note: str | None = None) -> bytes:
    """Return arrays of any device, and a note, as the bytes of a safetensors file; `path` is named in errors.

    Raises
    ------
    FileError
        If an array is sparse or of a kind that safetensors has no name for, such as complex128.
    """
    try:
        # copies, since safetensors refuses arrays that share memory, as tied weights do
        copies = {
            name: array.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
            for name, array in arrays.items()
        }
        return safetensors.torch.save(copies, None if note is None else {"diabolo": note})
    except Exception as error:  # safetensors raises of every kind
        raise FileError(f"The arrays cannot be kept in {path} ({error}); convert them to plain dense ones.") from error


def unpack(source: FilePath, data: bytes) -> dict[str, Tensor]:
    """Return the arrays in the bytes of a safetensors file; `source` is named in errors.

    Raises
    ------
    FileError
        If the bytes are no safetensors file.

    Examples
    --------
    >>> unpack("here", pack("here", {"mean": torch.ones(2)}))
    {'mean': tensor([1., 1.])}
    """
    try:
        return safetensors.torch.load(data)
    except Exception as error:  # of every kind, on hostile bytes
        raise FileError(
            f"The arrays of {source} are cut or no safetensors ({error}); copy them again: pickles are never read."
        ) from error
