"""Tables as text: codes stay what they are, and layouts are found."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from diabolo.data import read
from diabolo.errors import FileError


def table(tmp_path, text: str) -> Any:
    (tmp_path / "x.csv").write_text(text, encoding="utf-8")
    return read(tmp_path / "x.csv")


def test_codes_with_leading_noughts_stay_text(tmp_path):
    frame = table(tmp_path, "user,zip,n,part\n007,03509,1,0.5\n7,10115,10,05\n,,,\n")
    assert frame.user.tolist()[:2] == ["007", "7"]
    assert frame.zip.tolist()[:2] == ["03509", "10115"]
    assert frame.n.tolist()[:2] == [1, 10]  # no nought: a number, as before
    assert frame.part.tolist()[:2] == ["0.5", "05"]
    assert frame.user.isna().tolist() == [False, False, True]


def test_a_nought_alone_and_fractions_are_numbers(tmp_path):
    frame = table(tmp_path, "a,b\n0,0.25\n-0,00.5\n")
    assert frame.dtypes.tolist() == [int, float]


def test_integers_beyond_64_bits_stay_text(tmp_path):
    frame = table(tmp_path, "a,b\n123456789012345678901234567890,1\n5,2\n")
    assert frame.a.tolist() == ["123456789012345678901234567890", "5"]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_separator_is_found(tmp_path, separator):
    frame = table(tmp_path, "a|b|c\n1|0.5|007\n2|1.5|1\n".replace("|", separator))
    assert frame.columns.tolist() == ["a", "b", "c"]
    assert frame.b.tolist() == [0.5, 1.5]
    assert frame.c.tolist() == ["007", "1"]


def test_decimal_commas_are_read_between_semicolons(tmp_path):
    frame = table(tmp_path, "a;b\n1,5;x, y\n-2,25;z\n")
    assert frame.a.tolist() == [1.5, -2.25]
    assert frame.b.tolist() == ["x, y", "z"]


def test_dates_are_found_and_other_text_stays(tmp_path):
    frame = table(tmp_path, "day,word\n2024-01-02,2024-01-02\n2024-02-03,late\n")
    assert pd.api.types.is_datetime64_any_dtype(frame.day)
    assert frame.word.tolist() == ["2024-01-02", "late"]


def test_another_encoding_is_named(tmp_path):
    (tmp_path / "x.csv").write_bytes("größe\n1\n".encode("latin-1"))
    with pytest.raises(FileError, match="UTF-8"):
        read(tmp_path / "x.csv")
