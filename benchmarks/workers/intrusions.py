"""The train file of NSL-KDD as it is: its text, its data frame, and whether another frame is the same."""

from __future__ import annotations

import gzip
from io import BytesIO
from typing import Any

import pandas as pd

from benchmarks.workers.protocol import Settings
from benchmarks.workers.sets import FOLDER


def text() -> bytes:
    """Return the file, a line a record, without a head."""
    return gzip.decompress((FOLDER / "nsl_kdd" / "KDDTrain+_20Percent.txt.gz").read_bytes())


def frame() -> pd.DataFrame:
    """Return all its columns, named "0" to "42": 25,192 rows of integers, fractions and text."""
    return pd.read_csv(BytesIO(text()), header=None).rename(columns=str)


def alike(rows: pd.DataFrame, back: Any) -> Settings:
    """Return nothing if a frame came back as it was: columns, types and values.

    Raises
    ------
    AssertionError
        If it did not; with the first difference.
    """
    pd.testing.assert_frame_equal(rows, back, check_exact=True)
    return {}
