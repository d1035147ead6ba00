"""Scaling: from the user's units to what a likelihood expects, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import DTypeLike
from torch import Tensor

from diabolo.data.column import Column, column_scaling
from diabolo.data.moments import Moments, parts
from diabolo.errors import DataError, FileError
from diabolo.flow import Shape
from diabolo.likelihoods import Domain

_FAR = 1e30  # beyond it, and below one over it, float32 runs out of exponents


@dataclass(frozen=True, eq=False)
class Scaling:
    """x ↦ (x − shift) / scale, per column of a table or channel of series and images.

    Bytes stay bytes until they are batched, so that images take one byte a number; everything else is scaled such that
    a column of mean 10⁹ and standard deviation 1 keeps its digits: in float64, or with the shift in two parts.

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
        """
        if array.size == 0:
            raise DataError(f"X must hold at least one sample; got shape {array.shape}.")
        return cls.of(Moments.of([array], domains), domains)

    @classmethod
    def of(cls, moments: Moments, domains: Sequence[Domain]) -> Scaling:
        """Return the scaling of samples of which only the moments are known; see `fit`.

        Raises
        ------
        DataError
            If a channel holds what its domain does not allow.
        """
        top = 255.0 if moments.dtype == np.uint8 and moments.high.max() > 1 else 0.0
        rows = zip(moments.low, moments.high, moments.mean, moments.std, moments.binary, strict=True)
        fitted = [
            column_scaling(Column(f"{moments.channel} {i}", *row, top), domain)
            for i, (row, domain) in enumerate(zip(rows, domains, strict=True))
        ]
        shift, scale = np.array(fitted, dtype=np.float64).T.reshape(2, *per_channel(moments.shape))
        return cls(shift, scale)

    def comparable(self, moments: Moments, domains: Sequence[Domain]) -> Scaling:
        """Return the scaling for distances between samples: numbers in [0, 1], and bytes, have a unit and keep it.

        All "real" channels within these bounds get one scale, at which their mean variance is 1, so that pixels that
        are hardly ever lit, or rare indicators, do not count as much as others.

        Examples
        --------
        >>> x = np.array([[0.0, 0.0, 10.0], [1.0, 0.1, 20.0]])
        >>> moments = Moments.of([x], ("real",) * 3)
        >>> Scaling.of(moments, ("real",) * 3).comparable(moments, ("real",) * 3).scale.round(3).tolist()
        [0.355, 0.355, 5.0]
        """
        top = 255.0 if moments.dtype == np.uint8 else 1.0
        within = (moments.low >= 0) & (moments.high <= top) & np.array([domain == "real" for domain in domains])
        common = float(np.sqrt(np.square(moments.std[within]).mean())) if within.any() else 0.0
        if common == 0:
            return self
        return Scaling(self.shift, np.where(within.reshape(self.scale.shape), common, self.scale))

    def tensor(self, array: np.ndarray, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return the samples (N, *shape) as compactly as sensible: what `batch` takes slices of.

        Bytes stay bytes, unscaled and not copied, where `dtype` is float32; the rest is scaled and stored as `dtype`.
        """
        if array.dtype == np.uint8 and dtype == torch.float32:
            own = array.flags.writeable and array.flags.c_contiguous
            return torch.from_numpy(array) if own else torch.tensor(array)
        out = torch.empty(array.shape, dtype=dtype)
        single = self._single() if array.dtype == np.float32 and dtype == torch.float32 else None
        for part in parts(array):
            if single is None:
                out[part] = torch.from_numpy((array[part].astype(np.float64) - self.shift) / self.scale)
            else:
                _scale(array[part], *single, out[part].numpy())
        return out

    def batch(self, tensor: Tensor) -> Tensor:
        """Return a slice of `tensor` (B, *shape) scaled: bytes as float32, on their device; the rest passes through."""
        if tensor.dtype != torch.uint8:
            return tensor
        shift = torch.as_tensor(self.shift, dtype=torch.float32, device=tensor.device)
        scale = torch.as_tensor(self.scale, dtype=torch.float32, device=tensor.device)
        return tensor.float().sub_(shift).div_(scale)

    def undo(self, scaled: Tensor | np.ndarray, dtype: DTypeLike = np.float32) -> np.ndarray:
        """Return scaled samples (N, *shape) in the user's units: float64 for float64, float32 for anything smaller.

        Where the user has float64, `dtype`, it is that too: large numbers keep their digits.
        """
        if isinstance(scaled, Tensor):
            scaled = (scaled if scaled.dtype == torch.float64 else scaled.float()).numpy(force=True)
        wide = np.float64 if np.dtype(dtype) == np.float64 else np.float32
        out = np.empty(scaled.shape, dtype=np.result_type(scaled.dtype, wide))
        single = self._single() if scaled.dtype == np.float32 == out.dtype else None
        for part in parts(scaled):
            if single is None:
                out[part] = scaled[part].astype(np.float64) * self.scale + self.shift
            else:
                _unscale(scaled[part], *single, out[part])
        return out

    def _single(self) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """Return the shift in two parts and the scale, for float32 alone, unless they are too large or too small."""
        if self.scale.max() > _FAR or self.scale.min() < 1 / _FAR or np.abs(self.shift).max() > _FAR:
            return None
        near = self.shift.astype(np.float32)
        return near, (self.shift - near).astype(np.float32), self.scale.astype(np.float32)

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


def _scale(x: np.ndarray, near: np.ndarray, rest: np.ndarray, scale: np.ndarray, out: np.ndarray) -> None:
    np.subtract(x, near, out=out)  # exact where x is near the shift (Sterbenz)
    out -= rest
    out /= scale


def _unscale(z: np.ndarray, near: np.ndarray, rest: np.ndarray, scale: np.ndarray, out: np.ndarray) -> None:
    np.multiply(z, scale, out=out)
    out += rest
    out += near
