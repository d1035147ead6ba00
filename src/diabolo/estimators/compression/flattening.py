"""Samples of any shape as the rows of a table, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from diabolo.errors import DataError


def flat(X: Any) -> Any:
    """Return points of series (N, T, C), or of images (N, C, H, W), as rows (N·…, C); a table as it is."""
    if hasattr(X, "columns"):
        return X
    try:
        X = X if hasattr(X, "ndim") else np.asarray(X)
    except ValueError as error:
        raise DataError(f"X must be rectangular: every sample of the same shape ({error}).") from error
    if X.ndim == 4:
        X = X.permute(0, 2, 3, 1) if hasattr(X, "permute") else X.transpose(0, 2, 3, 1)
    return X.reshape(-1, X.shape[-1]) if X.ndim > 2 else X


def rows_in(shape: Sequence[int]) -> int:
    """Return how many rows `flat` makes of samples of this shape."""
    return shape[0] * math.prod(shape[2:] if len(shape) == 4 else shape[1:-1])


def shaped(table: Any, shape: Sequence[int]) -> Any:
    """Return rows as what `flat` made them of."""
    if hasattr(table, "columns") or list(table.shape) == list(shape):
        return table
    if len(shape) == 4:
        count, channels, height, width = shape
        images = table.reshape(count, height, width, channels)
        return images.permute(0, 3, 1, 2) if hasattr(images, "permute") else images.transpose(0, 3, 1, 2)
    return table.reshape(*shape)
