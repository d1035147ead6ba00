"""Scaling: from the user's units to what a likelihood expects, and back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from diabolo.data.column import Column, column_scaling
from diabolo.errors import DataError, FileError
from diabolo.flow import Shape, channel_axis
from diabolo.likelihoods import Domain

_BLOCK = 2**20  # numbers worked on at a time: 8 MB in float64, so that scaling needs little memory beside the data


@dataclass(frozen=True, eq=False)
class Scaling:
    """x ↦ (x − shift) / scale, per column of a table or channel of series and images.

    Bytes stay bytes until they are batched, so that images take one byte a number; everything else is scaled in
    float64 before it is stored as float32, so that a column of mean 10⁹ and standard deviation 1 keeps its digits.

    Parameters
    ----------
    shift, scale : ndarray (D,), (C,) or (C, 1, 1)
        Float64, for tables, series and images.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[0.0, 5.0], [2.0, 5.0]])
    >>> scaling = Scaling.fit(x, ("real", "real"))
    >>> scaling.tensor(x)
    tensor([[-1.,  0.],
            [ 1.,  0.]])
    >>> scaling.undo(scaling.tensor(x)).tolist()
    [[0.0, 5.0], [2.0, 5.0]]
    """

    shift: np.ndarray
    scale: np.ndarray

    @classmethod
    def fit(cls, array: np.ndarray, domains: Sequence[Domain]) -> Scaling:
        """Return the scaling that takes each channel of `array` (N, *shape) into its domain.

        Missing values (NaN) are passed over. "real" gets mean 0 and standard deviation 1, or 0 throughout if it is
        constant; "unit" is left alone within [0, 1], divided by 255 if it is bytes beyond 1, and otherwise taken from
        its range; "counts" and "one-hot" are checked and left alone.

        Parameters
        ----------
        array : ndarray (N, *shape)
            The training samples, numeric.
        domains : sequence of str
            One for each channel, as `Likelihood.domains` gives them.

        Raises
        ------
        DataError
            If there are no samples, or a channel holds what its domain does not allow.

        References
        ----------
        Chan, Golub, LeVeque, "Algorithms for computing the sample variance", 1983: the corrected two-pass algorithm.
        """
        if array.size == 0:
            raise DataError(f"X must hold at least one sample; got shape {array.shape}.")
        low, high = _extent(array)  # (C,), (C,)
        mean, std = _moments(array, low, high) if "real" in domains else (low, high)  # (C,), (C,)
        top = 255.0 if array.dtype == np.uint8 and high.max() > 1 else 0.0
        channels = np.moveaxis(array, channel_axis(array.shape[1:]), 0)  # (C, N, ...), a view
        fitted = [
            column_scaling(Column(f"{_name(array)} {i}", channels[i], low[i], high[i], mean[i], std[i], top), domain)
            for i, domain in enumerate(domains)
        ]
        shift, scale = np.array(fitted, dtype=np.float64).T.reshape(2, *per_channel(array.shape[1:]))
        return cls(shift, scale)

    def tensor(self, array: np.ndarray, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return the samples (N, *shape) as compactly as sensible: what `batch` takes slices of.

        Bytes stay bytes, unscaled, where `dtype` is float32; everything else is scaled and stored as `dtype`.
        """
        if array.dtype == np.uint8 and dtype == torch.float32:
            return torch.tensor(array)
        out = torch.empty(array.shape, dtype=dtype)
        for part in _parts(array):
            out[part] = torch.from_numpy((array[part].astype(np.float64) - self.shift) / self.scale)
        return out

    def batch(self, tensor: Tensor) -> Tensor:
        """Return a slice of `tensor` (B, *shape) scaled: bytes as float32, on their device; the rest passes through."""
        if tensor.dtype != torch.uint8:
            return tensor
        shift = torch.as_tensor(self.shift, dtype=torch.float32, device=tensor.device)
        scale = torch.as_tensor(self.scale, dtype=torch.float32, device=tensor.device)
        return (tensor.float() - shift) / scale

    def undo(self, scaled: Tensor | np.ndarray) -> np.ndarray:
        """Return scaled samples (N, *shape) in the user's units: float64 for float64, float32 for anything smaller."""
        if isinstance(scaled, Tensor):
            scaled = (scaled if scaled.dtype == torch.float64 else scaled.float()).numpy(force=True)
        out = np.empty(scaled.shape, dtype=np.result_type(scaled.dtype, np.float32))
        for part in _parts(scaled):
            out[part] = scaled[part].astype(np.float64) * self.scale + self.shift
        return out

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays to save."""
        return {"shift": self.shift, "scale": self.scale}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> Scaling:
        """Return the scaling that `arrays` described.

        Raises
        ------
        FileError
            If an array is missing, not finite, or no scaling.
        """
        shift, scale = (np.asarray(arrays.get(name, np.nan), dtype=np.float64) for name in ("shift", "scale"))
        finite = np.isfinite(shift).all() and np.isfinite(scale).all()
        if shift.shape != scale.shape or not finite or (scale <= 0).any():
            raise FileError("The saved scaling needs finite arrays 'shift' and 'scale' > 0 of one shape; save it anew.")
        return cls(shift, scale)


def per_channel(shape: Shape) -> Shape:
    """Return the shape of one number per channel, such that it broadcasts over samples of `shape`.

    Examples
    --------
    >>> per_channel((30,)), per_channel((50, 3)), per_channel((3, 32, 32))
    ((30,), (3,), (3, 1, 1))
    """
    return (shape[0], 1, 1) if len(shape) == 3 else shape[-1:]


def _name(array: np.ndarray) -> str:
    return "Column" if array.ndim == 2 else "Channel"


def _parts(array: np.ndarray) -> Iterator[slice]:
    step = max(1, _BLOCK * max(len(array), 1) // max(array.size, 1))
    return (slice(start, start + step) for start in range(0, len(array), step))


def _rows(array: np.ndarray) -> Iterator[np.ndarray]:
    axis = channel_axis(array.shape[1:])
    for part in _parts(array):
        block = np.moveaxis(array[part], axis, -1)
        yield block.reshape(-1, block.shape[-1])  # (M, C)


def _extent(array: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the greatest value (C,) of each channel; 0 where all are missing."""
    ends = [(np.fmin.reduce(rows), np.fmax.reduce(rows)) for rows in _rows(array)]
    low = np.fmin.reduce([end[0] for end in ends]).astype(np.float64)
    high = np.fmax.reduce([end[1] for end in ends]).astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        endless = np.flatnonzero(np.isinf(high - low) | np.isinf(low) | np.isinf(high))
    if endless.size:
        raise DataError(f"{_name(array)} {endless[0]} holds infinity, or numbers too far apart; clip or replace them.")
    return np.nan_to_num(low), np.nan_to_num(high)


def _moments(array: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean and the standard deviation (C,) of each channel, in float64."""
    centre = low + (high - low) / 2  # near enough to the mean for the first pass to lose no digits
    # a power of two, so exact: squares neither overflow nor vanish
    unit = np.exp2(np.floor(np.log2(np.where(high > low, high - low, 1))))
    mean, _ = _pass(array, centre, unit)
    centre = centre + mean * unit
    mean, square = _pass(array, centre, unit)
    return centre + mean * unit, np.sqrt(np.maximum(square - mean**2, 0)) * unit


def _pass(array: np.ndarray, centre: np.ndarray, unit: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    count, total, squares = np.zeros((3, len(centre)))
    for rows in _rows(array):
        z = (rows.astype(np.float64) - centre) / unit  # (M, C)
        missing = np.isnan(z)
        z[missing] = 0
        count += len(z) - missing.sum(0)
        total += z.sum(0)
        squares += np.square(z).sum(0)
    return total / np.maximum(count, 1), squares / np.maximum(count, 1)
