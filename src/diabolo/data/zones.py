"""Local times in their time zone, where summer time leaves some out and has others twice."""

from __future__ import annotations

from typing import Any

import numpy as np


def pandas_local(values: Any, zone: Any) -> Any:
    """Return a series of pandas of local times as times in a zone.

    What the change to summer time leaves out is the first moment after it; what comes twice is the later.

    Examples
    --------
    >>> import pandas
    >>> left_out = pandas.Series(pandas.to_datetime(["2024-03-31 02:30"]))
    >>> str(pandas_local(left_out, "Europe/Oslo")[0])
    '2024-03-31 03:00:00+02:00'
    """
    return values.dt.tz_localize(zone, ambiguous=np.zeros(len(values), bool), nonexistent="shift_forward")


def polars_local(values: Any, zone: str) -> Any:
    """Return a series of polars of local times as times in a zone.

    What the change to summer time leaves out is an hour later; what comes twice is the later.
    """
    here, later = (
        each.dt.replace_time_zone(zone, ambiguous="latest", non_existent="null")
        for each in (values, values.dt.offset_by("1h"))
    )
    return here.fill_null(later)
