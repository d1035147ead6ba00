import base64
import re
import xml.etree.ElementTree as ET

import pytest

from diabolo.errors import FileError, ParameterError
from diabolo.report import Page, comparison

HOSTILE = "<script>alert('x')</script> & \"quotes\" {braces} \x00\x1b\ud800 ñ 👩‍🔬"


def parse(page):
    document = page.html()
    assert document.startswith("<!DOCTYPE html>\n")
    return ET.fromstring(document.removeprefix("<!DOCTYPE html>\n"))


def full(text):
    page = Page(text)
    page.heading(text)
    page.paragraph(text)
    page.table([{text: text, "n": 1}])
    page.figure(comparison({"a": 1.0}), text)
    return page


def test_hostile_text_is_escaped_everywhere():
    page = full(HOSTILE)
    assert "<script" not in page.html()
    root = parse(page)
    shown = HOSTILE.replace("\x00", "�").replace("\x1b", "�").replace("\ud800", "�")
    for tag in "title", "h1", "h2", "p", "th", "td", "figcaption":
        assert root.findall(f".//{tag}")[0].text == shown
    assert root.findall(".//img")[0].get("alt") == shown


def test_nothing_outside_the_page_is_referred_to():
    document = full("title").html()
    assert not re.search(r"https?:|url\(|@import|<link|<script", document)
    sources = re.findall(r'src="([^"]*)"', document)
    assert sources
    assert all(source.startswith("data:image/") for source in sources)
    assert "default-src 'none'" in document


@pytest.mark.parametrize(
    ("form", "mime", "start"), [("png", "image/png", b"\x89PNG"), ("svg", "image/svg+xml", b"<?xml")]
)
def test_figures_are_inside(form, mime, start):
    page = Page("t")
    page.figure(comparison({"a": 1.0}), "bars", form)
    head, data = parse(page).findall(".//img")[0].attrib["src"].split(",")
    assert head == f"data:{mime};base64"
    assert base64.b64decode(data).startswith(start)


def test_other_forms_of_figures_are_refused():
    with pytest.raises(ParameterError, match="'png' or 'svg'"):
        Page("t").figure(comparison({"a": 1.0}), form="pdf")  # pyright: ignore[reportArgumentType]


def test_tables_have_a_column_per_key_and_numbers_at_the_right():
    page = Page("t")
    page.table([{"name": "a", "error": 1 / 3}, {"name": "b", "error": 2.0, "note": True}])
    root = parse(page)
    assert [cell.text for cell in root.findall(".//th")] == ["name", "error", "note"]
    cells = root.findall(".//td")
    assert [cell.text for cell in cells] == ["a", "0.333333", None, "b", "2", "True"]
    assert [cell.get("class") for cell in cells[:3]] == [None, "number", None]


def test_an_empty_table_is_well_formed():
    page = Page("t")
    page.table([])
    parse(page)


def test_pieces_come_in_order():
    page = Page("t")
    page.paragraph("one\ntwo")
    page.heading("three")
    assert [e.text for e in parse(page).iter() if e.tag in ("h1", "h2", "p")] == ["t", "one\ntwo", "three"]


def test_save_replaces_a_whole_file(tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    page = full("ñ")
    page.save(path)
    assert path.read_text(encoding="utf-8") == page.html()
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(FileError):
        page.save(path / "inside.html")


def test_a_notebook_gets_the_piece_without_the_page():
    piece = Page("t")._repr_html_()
    assert piece.startswith('<div class="diabolo">')
    assert "<html" not in piece
    assert all(line.startswith((".diabolo", "@media", " ")) for line in piece.split("style>")[1].split("\n")[1:-1])
