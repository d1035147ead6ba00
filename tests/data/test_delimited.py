"""Tables as text: codes stay what they are, and layouts are found."""

from __future__ import annotations

import gzip
from typing import Any

import pandas as pd
import pytest

from diabolo.data import read
from diabolo.data.delimited import _any_code
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


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(tmp_path, separator):
    frame = table(tmp_path, "a!b!c\n1!0.5!007\n2!1.5!1\n".replace("!", separator))
    assert frame.columns.tolist() == ["a", "b", "c"]
    assert frame.b.tolist() == [0.5, 1.5]
    assert frame.c.tolist() == ["007", "1"]


def test_decimal_commas_are_read_between_semicolons(tmp_path):
    frame = table(tmp_path, "a;b\n1,5;x, y\n-2,25;z\n")
    assert frame.a.tolist() == [1.5, -2.25]
    assert frame.b.tolist() == ["x, y", "z"]


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["1"] * 30 + ["1,5"], [1.0] * 30 + [1.5]),
        (["1.234,50", "7", "2.000"], [1234.5, 7.0, 2000.0]),
        (["1,5e3", ",5"], [1500.0, 0.5]),
        (["52.123", "13.456"], [52.123, 13.456]),
    ],
)
def test_numbers_with_commas_are_numbers_in_every_line(tmp_path, cells, numbers):
    frame = table(tmp_path, "a;b\n" + "".join(f"{cell};12.50\n" for cell in cells))
    assert frame.a.tolist() == numbers
    assert frame.b.tolist() == [12.5] * len(cells)


def test_points_are_points_beside_commas(tmp_path):
    assert table(tmp_path, "n;lat;y\nA;52.123;1,5\nB;13.456;2,5\n").lat.tolist() == [52.123, 13.456]


@pytest.mark.parametrize("cells", [["1,5", "x"], ["1,2,3", "4"], ["007", "1,5"], ["1.2.3", "4,5"], [",", "1,5"]])
def test_texts_that_are_not_all_numbers_stay_text(tmp_path, cells):
    assert table(tmp_path, "a;b\n" + "".join(f"{cell};1\n" for cell in cells)).a.tolist() == cells


def test_separators_within_quotes_separate_nothing(tmp_path):
    frame = table(tmp_path, '"a, m";"b, s";"c, x"\n1;2;3\n')
    assert frame.columns.tolist() == ["a, m", "b, s", "c, x"]
    assert table(tmp_path, "a,b;c\n1;2\n").columns.tolist() == ["a,b", "c"]


def test_a_separator_at_the_end_of_lines_moves_no_column(tmp_path):
    for text in ("a,b\n1,2,\n3,4,\n", "a;b\n1;2;\n3;4;\n"):
        frame = table(tmp_path, text)
        assert frame.a.tolist() == [1, 3]
        assert frame.b.tolist() == [2, 4]


@pytest.mark.parametrize(
    "text",
    ["a,b\n1,2,3\n4,5,6\n", "Report 2024\n\nx;y\n0;0\n1;1\n", "a\n1,5\n2,5\n", "a,b\n" + "1,2\n" * 30 + "3,4,5\n"],
)
def test_lines_of_more_entries_than_there_are_names_are_refused(tmp_path, text):
    with pytest.raises(FileError, match=r"'x\.csv' has lines of more entries than its first line"):
        table(tmp_path, text)


@pytest.mark.parametrize("names", ["5.0,1.25,3.5", "5,0,0", "5e+01", "2024-01-01,2.5", "2,5;1,5;2,25"])
def test_a_first_line_of_data_is_refused(tmp_path, names):
    with pytest.raises(FileError, match="looks like data"):
        table(tmp_path, f"{names}\n{names}\n")


@pytest.mark.parametrize("names", ["2019,2020,2021", "3,1,2", "400.5,401.0,401.5", "a,1.5,1.5", "2020-01,2020-02", "7"])
def test_names_that_are_numbers_are_names_where_they_may_be(tmp_path, names):
    assert len(table(tmp_path, f"{names}\n{','.join('1' for _ in names.split(','))}\n")) == 1


def test_summer_and_winter_are_dates_in_universal_time(tmp_path):
    hours = pd.date_range("2024-03-30", periods=60, freq="h", tz="Europe/Berlin")
    frame = table(tmp_path, "t\n" + "".join(f"{hour.isoformat()}\n" for hour in hours))
    assert (frame.t == hours.tz_convert("UTC")).all()
    mixed = table(tmp_path, "t\n2024-01-01T00:00:00+01:00\n2024-07-01T00:00:00\n")
    assert mixed.t.tolist() == ["2024-01-01T00:00:00+01:00", "2024-07-01T00:00:00"]


@pytest.mark.parametrize(
    ("texts", "month"),
    [
        (["01.02.2024", "13.02.2024"], 2),
        (["1.2.2024 07:30", "13.02.2024 23:59"], 2),
        (["2024/02/01", "2024/02/03"], 2),
        (["13/02/2024", "14/02/2024"], None),  # of which other files may have the month first
        (["1.2.3", "4.5.6"], None),
        (["10.0.12.1", "10.0.0.2"], None),
        (["01.02.2024", "late"], None),
    ],
)
def test_dates_in_numbers_are_dates_if_their_order_is_told(tmp_path, texts, month):
    column = table(tmp_path, "t\n" + "\n".join(texts)).t
    assert (column.tolist() == texts) if month is None else (column.dt.month == month).all()


@pytest.mark.parametrize(
    "text",
    [
        'a,b\n"100,200",1\n"300,400",2\n',  # pairs, between commas
        'a,b\n"1,2",1\n"3,4",2\n',
        "a\tb\n1,500\t2.5\n12,500\t3.5\n",  # may be thousands
        "a\tb\n3,7\t0.5\n4\t0.25\n",  # or lists
        'a,b\n"1,234",1\n"950",2\n',
        "a;b\n1,5\u00a0;1\n2,5;2\n",
        "a;b\n555.123.456;1,5\n666.123.456;2,5\n",
        "a;b\n012.345.678;1\n702.345.678;2\n",  # codes
    ],
)
def test_what_may_be_other_numbers_stays_text(tmp_path, text):
    assert all(isinstance(each, str) for each in table(tmp_path, text).a)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('name,"lat;lon"\nA,"1;2"\nB,"3;4"\n', ["name", "lat;lon"]),
        ("id;x,text\n1;2,a\n2;3,c\n", ["id;x", "text"]),
        ("a|b,c\n1|2,3\n2|4,5\n", ["a|b", "c"]),
        ("genres\nA|B\nC|D\n", ["genres"]),
        ("review\nGood; liked it\nBad; hated it\n", ["review"]),
        ("a;b\r1;2\r3;4\r", ["a", "b"]),
        ("  \na,b\n1,2\n", ["a", "b"]),
        ("0.25,0.75\n1,2\n", ["0.25", "0.75"]),
        ("1.1,2.1,1.2\n1,2,3\n", ["1.1", "2.1", "1.2"]),
        ("id\th\tn\n1\t5'10\"\tA\n2\t6'1\"\tB\n", ["id", "h", "n"]),
        ('name;len\n5" pipe;3,5\nrod;4,5\n', ["name", "len"]),
        ('a;len (")\n1;2\n', ["a", 'len (")']),
        ("id;name;city, state\n1;A;X, Y\n2;B;Z, W\n", ["id", "name", "city, state"]),
        ("Laenge, m;Breite;Name\n1,5;2;A\n3,5;4;B\n", ["Laenge, m", "Breite", "Name"]),
        ("a;b\n" + "x" * 140_000 + ";1,5\ny;2,5\n", ["a", "b"]),
    ],
)
def test_layouts_that_people_have(tmp_path, text, names):
    assert table(tmp_path, text).columns.tolist() == names


def test_a_last_column_of_nothing_is_no_separator_at_the_end(tmp_path):
    with pytest.raises(FileError, match=r"in R by col\.names=NA"):
        table(tmp_path, '"a","b"\n"1",5,NA\n"2",6,NA\n')


def test_another_encoding_is_named_wherever_it_begins(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"a,b\n" + b"1,x\n" * 2**19 + "größe,1\n".encode("latin-1"))
    with pytest.raises(FileError, match="UTF-8"):
        read(tmp_path / "x.csv")


@pytest.mark.parametrize("code", ["007", '"007"', " 007"])
def test_codes_are_found_wherever_blocks_begin(tmp_path, code):
    path = tmp_path / "x.csv"
    for before in range(9):
        path.write_text("a,b\n" + "1" * before + f"1,{code}\n")
        assert _any_code(path, ",", size=5)
        path.write_text("a,b\n" + "1" * before + f"1,{code.replace('0', '1')}\n100,1.007\n")
        assert not _any_code(path, ",", size=5)


def test_a_code_in_the_last_of_many_lines_is_text(tmp_path):
    frame = table(tmp_path, "a,b\n" + "1,2\n" * 5000 + '3,"007"\n')
    assert frame.b.iloc[-1] == "007"
    assert frame.a.iloc[-1] == 3


@pytest.mark.parametrize("name", ["x.csv.gz", "x.tsv", "x.TSV.GZ"])
def test_packed_and_tabbed_files_are_tables(tmp_path, name):
    text, path = b"zip\tb\n007\t1.5\n", tmp_path / name
    path.write_bytes(gzip.compress(text) if path.suffix.lower() == ".gz" else text)
    frame: Any = read(path)
    assert frame.zip.tolist() == ["007"]
    assert frame.b.tolist() == [1.5]


def test_a_packed_file_that_is_cut_is_named(tmp_path):
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress(b"a,b\n1,2\n" * 9)[:-9])
    with pytest.raises(FileError, match=r"x\.csv\.gz"):
        read(tmp_path / "x.csv.gz")


def test_dates_are_found_and_other_text_stays(tmp_path):
    frame = table(tmp_path, "day,word\n2024-01-02,2024-01-02\n2024-02-03,late\n")
    assert pd.api.types.is_datetime64_any_dtype(frame.day)
    assert frame.word.tolist() == ["2024-01-02", "late"]


def test_another_encoding_is_named(tmp_path):
    (tmp_path / "x.csv").write_bytes("größe\n1\n".encode("latin-1"))
    with pytest.raises(FileError, match="UTF-8"):
        read(tmp_path / "x.csv")


def test_a_file_of_tabs_is_cut_by_tabs(tmp_path):
    (tmp_path / "x.tsv").write_text("city, state\tpop\nA, B\t1\nC, D\t2\n")
    frame: Any = read(tmp_path / "x.tsv")
    assert frame.columns.tolist() == ["city, state", "pop"]


def test_codes_beside_spaces_stay_text(tmp_path):
    assert table(tmp_path, "n, zip\n3, 00501\n4, 10115\n").iloc[:, 1].str.strip().tolist() == ["00501", "10115"]
