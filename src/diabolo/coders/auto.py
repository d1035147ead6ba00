"""The coder that suits the samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from diabolo.coders.coder import Arrays, Coder, Coding, Setting
from diabolo.coders.pixels.pixels import Pixels
from diabolo.coders.rows.rows import Rows
from diabolo.coders.transform.transform import Transform


@dataclass(frozen=True)
class Auto(Coder):
    """`Rows` for tables and series, `Pixels` for images that come back exactly, `Transform` for others.

    Examples
    --------
    >>> Auto().settled("table", exact=True)
    Rows()
    """

    def settled(self, kind: str, exact: bool) -> Coder:
        """Return the coder for samples of a kind, "table" or "images", that come back exactly or not."""
        return Rows() if kind == "table" else Pixels() if exact else Transform()

    def learn(self, samples: Any, setting: Setting) -> Coding:
        """Learn as the coder does that is chosen: of levels (N, D), or of images, which come back exactly."""
        levels = getattr(samples, "dtype", None) == np.uint64
        return self.settled("table" if levels else "images", True).learn(samples, setting)

    def restore(self, plain: dict[str, Any], arrays: Arrays) -> Coding:
        """Return what that coder learned: of levels there are alphabets."""
        return self.settled("table" if "gaps" in arrays else "images", True).restore(plain, arrays)

    def equation(self) -> str:
        """Return the bits."""
        return "−log₂ p(x)"
