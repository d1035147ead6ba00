"""Moments: the extent, mean and deviation of every channel, in one pass over blocks."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from diabolo.errors import DataError
from diabolo.flow import Shape, channel_axis
from diabolo.likelihoods import Domain

_BLOCK = 2**20  # numbers worked on at a time: 8 MB in float64, so that little memory is needed beside the data


@dataclass(frozen=True, eq=False)
class Moments:
    """What scaling must know of samples, missing values (NaN) passed over.

    Parameters
    ----------
    shape : tuple of int
        Shape of one sample.
    dtype : dtype
        Of the numbers.
    count : ndarray (C,)
        How many numbers each channel holds.
    low, high : ndarray (C,)
        Its extent, float64; 0 where all are missing.
    mean, std : ndarray (C,)
        Its moments, float64; 0 unless a domain is "real".
    binary : ndarray (C,)
        Whether it holds only 0 and 1; known where a domain is "one-hot".

    References
    ----------
    Chan, Golub, LeVeque, "Algorithms for computing the sample variance", 1983: two passes over each block, which is
    in memory, and the pairwise update between blocks.

    Examples
    --------
    >>> moments = Moments.of([np.array([[1.0], [2.0]]), np.array([[6.0]])], ("real",))
    >>> moments.mean.tolist(), moments.high.tolist()
    ([3.0], [6.0])
    """

    shape: Shape
    dtype: np.dtype
    count: np.ndarray
    low: np.ndarray
    high: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    binary: np.ndarray

    @classmethod
    def of(cls, blocks: Iterable[np.ndarray], domains: Collection[Domain]) -> Moments:
        """Return the moments of samples seen in blocks (B, *shape), as far as `domains` need them.

        Raises
        ------
        DataError
            If there are no samples, or numbers are infinite or too far apart.
        """
        whole: Moments | None = None
        with np.errstate(over="ignore", invalid="ignore"):
            for block in blocks:
                for rows in _rows(block):
                    one = cls._of_rows(rows, block, domains)
                    whole = one if whole is None else whole._join(one)
        if whole is None or not whole.low.size:
            raise DataError("X must hold at least one sample and one number in each; got none.")
        return whole._checked()

    @property
    def channel(self) -> str:
        """What errors call a channel."""
        return "Column" if len(self.shape) == 1 else "Channel"

    @classmethod
    def _of_rows(cls, rows: np.ndarray, block: np.ndarray, domains: Collection[Domain]) -> Moments:
        low, high = (ends(rows).astype(np.float64) for ends in (np.fmin.reduce, np.fmax.reduce))
        nothing, anything = np.zeros_like(low), np.ones_like(low, dtype=bool)
        count, mean, std = _moments(rows, low, high) if "real" in domains else (nothing + len(rows), nothing, nothing)
        if "one-hot" in domains:
            anything = ((rows == 0) | (rows == 1) | np.isnan(rows)).all(0)
        return cls(block.shape[1:], block.dtype, count, low, high, mean, std, anything)

    def _join(self, other: Moments) -> Moments:
        count = self.count + other.count
        mine, theirs = self.count / np.maximum(count, 1), other.count / np.maximum(count, 1)
        apart = other.mean - self.mean
        within = np.hypot(np.sqrt(mine) * self.std, np.sqrt(theirs) * other.std)  # squares would overflow, or vanish
        return replace(
            self,
            dtype=np.result_type(self.dtype, other.dtype),
            count=count,
            low=np.fmin(self.low, other.low),
            high=np.fmax(self.high, other.high),
            mean=self.mean + apart * theirs,
            std=np.hypot(within, np.sqrt(mine * theirs) * apart),
            binary=self.binary & other.binary,
        )

    def _checked(self) -> Moments:
        with np.errstate(over="ignore", invalid="ignore"):
            endless = np.flatnonzero(np.isinf(self.high - self.low) | np.isinf(self.low) | np.isinf(self.high))
        if endless.size:
            raise DataError(
                f"{self.channel} {endless[0]} holds infinity, or numbers too far apart; clip or replace them."
            )
        return replace(self, low=np.nan_to_num(self.low), high=np.nan_to_num(self.high))


def parts(array: np.ndarray) -> Iterator[slice]:
    """Yield slices of the samples (N, *shape) that are worked on at a time.

    Examples
    --------
    >>> list(parts(np.zeros((3, 2**20))))
    [slice(0, 1, None), slice(1, 2, None), slice(2, 3, None)]
    """
    step = max(1, _BLOCK * max(len(array), 1) // max(array.size, 1))
    return (slice(start, start + step) for start in range(0, len(array), step))


def _rows(array: np.ndarray) -> Iterator[np.ndarray]:
    axis = channel_axis(array.shape[1:])
    for part in parts(array):
        block = np.moveaxis(array[part], axis, -1)
        yield block.reshape(-1, block.shape[-1])  # (M, C)


def _moments(rows: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return count, mean and standard deviation (C,) of each channel of rows (M, C), in float64."""
    low, high = np.nan_to_num(low), np.nan_to_num(high)
    centre = low + (high - low) / 2  # near enough to the mean for the first pass to lose no digits
    # a power of two, so exact: squares neither overflow nor vanish
    unit = np.exp2(np.floor(np.log2(np.where(high > low, high - low, 1))))
    z = rows.astype(np.float64)  # (M, C)
    z -= centre
    z /= unit
    missing = np.isnan(z)
    count = len(z) - missing.sum(0).astype(np.float64)
    np.copyto(z, 0, where=missing)
    first = z.sum(0) / np.maximum(count, 1)
    z -= first
    np.copyto(z, 0, where=missing)
    second = z.sum(0) / np.maximum(count, 1)
    square = np.einsum("ij,ij->j", z, z) / np.maximum(count, 1)
    return count, centre + (first + second) * unit, np.sqrt(np.maximum(square - second**2, 0)) * unit
