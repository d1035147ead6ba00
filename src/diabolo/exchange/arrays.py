"""The weights in foreign files: safetensors, and the state dicts of torch.save, of which only tensors are believed."""

from __future__ import annotations

import io
import math
import pickletools
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from diabolo.check import listed, shorten
from diabolo.errors import FileError
from diabolo.files.disk import read_file
from diabolo.files.tensors import MOST, unpack

_STORAGES = ("Float", "Half", "BFloat16", "Double", "Long", "Int", "Short", "Char", "Byte", "Bool")
_NAMED = {
    "collections OrderedDict",
    "torch._utils _rebuild_tensor_v2",
    "torch._utils _rebuild_parameter",
    *(f"torch {name}Storage" for name in _STORAGES),
    *(f"torch.cuda {name}Storage" for name in _STORAGES),
}
"""All that torch.save names in a dict of tensors."""

_PICKLE = 2**18  # bytes of the pickle in such a file, without the numbers: about a thousand tensors

WRITER = "the library"
"""Who wrote the files, in errors."""

FLOATS = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
_WHOLES = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)


def load_arrays(file: Path) -> dict[str, Tensor]:
    """Read a safetensors file.

    Raises
    ------
    FileError
        If it is no such file.
    """
    return {name: _plain(file, name, value) for name, value in unpack(file, read_file(file, MOST, WRITER)).items()}


def load_state(file: Path) -> dict[str, Any]:
    """Read a file that torch.save made of a dict of tensors and plain values.

    Such a file holds a pickle. It is read only by torch.load(weights_only=True), which calls nothing that the file
    names but the makers of tensors, and only after a look at what it names and whether anything in it could swell.

    Raises
    ------
    FileError
        If it is no such file, names anything else, or holds tensors that are larger than their numbers.
    """
    data = read_file(file, MOST, WRITER)
    try:
        _inspect(file, data)
        state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except FileError:
        raise
    except Exception as error:  # zipfile, pickletools and torch raise of every kind on hostile bytes
        raise FileError(f"{file} is cut or holds no plain tensors ({shorten(str(error))}); copy it again.") from error
    if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
        raise FileError(f"{file} holds no dict of tensors; save the state_dict() of the dictionary, not the model.")
    return {name: _plain(file, name, value) for name, value in state.items()}


def tensors_of(file: Path, state: Mapping[str, Any], expected: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """Return the tensors of a file, if they are exactly the expected ones, all in the float dtype of the first.

    Raises
    ------
    FileError
        For the first that is missing, of another shape or kind, or not expected.
    """
    if state.keys() != expected.keys():
        missing, more = (
            sorted(expected.keys() - state.keys()),
            sorted(key[:40] for key in state.keys() - expected.keys()),
        )
        raise FileError(
            f"{file} must hold {', '.join(expected)} for a dictionary of its kind, but lacks {listed(missing)} and "
            f"has beyond {listed(more)}; give a file of one of the kinds that are read."
        )
    for name, shape in expected.items():
        value = state[name]
        if not isinstance(value, Tensor) or tuple(value.shape) != shape:
            raise FileError(f"{file} must hold a tensor {name!r} of shape {shape}; got {described(value)}.")
    dtype = state[next(iter(expected))].dtype
    if dtype not in FLOATS:
        raise FileError(f"{file} must hold floating-point numbers of 16 to 64 bits; got {dtype}.")
    return {name: state[name].to(dtype).contiguous() for name in expected}


def matrix(file: Path, state: Mapping[str, Any], name: str) -> tuple[int, int]:
    """Return the shape of a matrix that a file must hold.

    Raises
    ------
    FileError
        If there is no such matrix.
    """
    value = state.get(name)
    if not isinstance(value, Tensor) or value.ndim != 2:
        raise FileError(f"{file} must hold a matrix {name!r}; it holds {listed([key[:40] for key in state])}.")
    return value.shape[0], value.shape[1]


def described(value: Any) -> str:
    """Print what a file holds in one line, for use inside an error sentence."""
    return f"one of shape {tuple(value.shape)} and {value.dtype}" if isinstance(value, Tensor) else shorten(value)


def _inspect(file: Path, data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        stored = all(entry.compress_type == zipfile.ZIP_STORED for entry in entries)
        if not stored or sum(entry.file_size for entry in entries) > len(data):
            raise FileError(f"{file} is compressed, which torch.save never does; save the state_dict() again.")
        pickles = [entry for entry in entries if entry.filename.endswith(".pkl")]
        if len(pickles) != 1 or pickles[0].file_size > _PICKLE:
            raise FileError(f"{file} must hold one small pickle of tensors; save the state_dict(), not the model.")
        for code, named, _ in pickletools.genops(archive.read(pickles[0])):
            if code.name in ("STACK_GLOBAL", "INST", "EXT1", "EXT2", "EXT4") or (
                code.name == "GLOBAL" and named not in _NAMED
            ):
                raise FileError(
                    f"{file} names {shorten(named or code.name)} and not only tensors; save its state_dict()."
                )


def _plain(file: Path, name: str, value: Any) -> Any:
    if isinstance(value, dict) and not any(isinstance(inner, dict | Tensor) for inner in value.values()):
        return {str(key): _plain(file, name, inner) for key, inner in value.items()}
    if value is None or isinstance(value, str | float) or (isinstance(value, int) and abs(value) < 2**63):
        return value
    if not isinstance(value, Tensor) or value.layout != torch.strided or value.dtype not in FLOATS + _WHOLES:
        raise FileError(f"{file} holds {name[:40]!r}, which is no dense tensor of plain numbers; save a state_dict().")
    tensor = value.detach()
    if math.prod(tensor.shape) * tensor.element_size() > tensor.untyped_storage().nbytes():  # it repeats its numbers
        raise FileError(f"{file} holds {name[:40]!r}, a tensor of more numbers than are in the file; save it again.")
    return tensor
