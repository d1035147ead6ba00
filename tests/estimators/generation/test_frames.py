"""Frames and their types, as a generator takes them and gives them back."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.worlds import digit_images

from diabolo import Generator, Training, load
from diabolo.estimators.generation.frames import polars_frame
from diabolo.estimators.generation.report import _colour

QUICK = Training(steps=5, validation=0.0)
COUNT = 40

TYPED = pl.DataFrame(
    {
        "price": [Decimal("1.5"), Decimal("2.5")] * 20,
        "dear": pl.Series([Decimal(i) / 100 for i in range(COUNT)], dtype=pl.Decimal(10, 2)),
        "size": pl.Series(["S", "L"] * 20, dtype=pl.Enum(["S", "M (medium), so='x'", "L"])),
        "kind": pl.Series(["a", "b"] * 20, dtype=pl.Categorical),
        "when": pl.Series(
            [datetime(2020, 3, 1, tzinfo=UTC) + timedelta(hours=20 * i) for i in range(COUNT)],
            dtype=pl.Datetime("ms", "Europe/Oslo"),
        ),
        "flag": [True, False] * 20,
        "small": pl.Series(range(COUNT), dtype=pl.UInt8),
    }
)


def quick(n=2):
    return Generator(n, training=QUICK, random_state=0, device="cpu")


def test_types_with_arguments_come_back(tmp_path):
    generator = quick().fit(TYPED)
    generator.save(tmp_path / "m")
    for new in (generator.sample(20, seed=0), generator.reconstruct(TYPED[:5]), load(tmp_path / "m").sample(3, seed=0)):
        assert new.schema == TYPED.schema
    assert set(generator.sample(20, seed=0)["price"]) <= {Decimal("1.5"), Decimal("2.5")}
    when = generator.sample(20, seed=0)["when"]
    assert when.is_between(TYPED["when"].min(), TYPED["when"].max()).all()


def test_times_that_a_zone_leaves_out_or_has_twice():
    local = np.array(["2020-03-29T02:30", "2020-10-25T02:30", "NaT"], dtype="M8[us]")
    frame = polars_frame(("a",), [local], ("Datetime(time_unit='us', time_zone='Europe/Oslo')",))
    assert frame["a"].dt.to_string("%d %H:%M %z").to_list() == ["29 03:30 +0200", "25 02:30 +0100", None]


def test_dates_and_decimals_that_are_objects_stay_these(tmp_path):
    days = [None if i % 9 == 0 else date(2020, 1, 1) + timedelta(days=i) for i in range(COUNT)]
    frame = pd.DataFrame({"day": days, "cost": [Decimal(i) / 100 for i in range(COUNT)], "text": ["a", "b"] * 20})
    frame.loc[3, "cost"] = None
    generator = quick().fit(frame)
    generator.save(tmp_path / "m")
    for new in (generator.sample(200, seed=0), load(tmp_path / "m").sample(200, seed=0), generator.reconstruct(frame)):
        assert {type(day) for day in new["day"]} <= {date, type(None)}
        assert {type(cost) for cost in new["cost"]} <= {Decimal, type(None)}
        assert {day for day in new["day"] if day} <= {date(2020, 1, 1) + timedelta(days=i) for i in range(COUNT)}
        assert all(cost is None or cost == round(cost, 2) for cost in new["cost"])
    assert generator.sample(200, seed=0)["day"].isna().any()
    mixed = pd.DataFrame({"day": [date(2020, 1, 1), datetime(2020, 1, 2, 3)] * 20, "x": np.arange(COUNT)})
    assert type(quick().fit(mixed).sample(1, seed=0)["day"].iloc[0]) is pd.Timestamp  # of which not all are days


def test_a_type_that_is_none_leaves_a_column_as_it_is():
    columns = [np.array([1.5, 2.5])] * 4
    frame = polars_frame(tuple("abcd"), columns, ("Nothing", "read_csv", "(((", "Float32"))
    assert frame.dtypes == [pl.Float64, pl.Float64, pl.Float64, pl.Float32]


def test_columns_that_have_no_type_in_common():
    frame = pl.DataFrame({"a": [1, None, 3] * 20, "d": [date(2020, 1, 1 + i % 28) for i in range(60)]})
    with pytest.raises(TypeError):
        np.ndim(frame)
    generator = quick().fit(frame)
    assert generator.sample(5, seed=0).schema == frame.schema
    assert generator.log_likelihood(frame).shape == (60,)
    assert generator.interpolate(frame[:1], frame[1:2], 3).shape == (3, 2)
    assert _colour(frame) is None
    images = quick().fit(digit_images()[:60], frame.select("d").with_columns(pl.col("d").cast(pl.String)))
    assert images.sample(2, seed=0).shape == (2, 1, 8, 8)
