"""Compressed files through pipes: standard input and output in place of files."""

import io
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import diabolo
from diabolo.cli.app import main

PLAIN = ("--recipe", "Columns", "--quiet")
TABLE = pd.DataFrame({"value": np.arange(300) / 4, "word": np.array(["a", "b"])[np.arange(300) % 2]})
PICTURE = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
TEXT = TABLE.to_csv(index=False).encode()


@pytest.fixture
def pipe(capsysbinary, monkeypatch):
    """Run a command with bytes coming in; return its exit code, what goes out, and what is said beside."""

    def run(given, *args):
        monkeypatch.setattr(sys, "argv", ["diabolo", *map(str, args)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        code = 0
        try:
            main()
        except SystemExit as leave:
            code = leave.code or 0
        out, err = capsysbinary.readouterr()
        return code, out, err.decode()

    return run


def filed(write):
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def test_text_goes_through(pipe):
    code, data, said = pipe(TEXT, "compress", "-", "-o", "-", *PLAIN)
    assert code == 0
    assert "stdin.csv" in said
    assert len(data) < len(TEXT)
    pd.testing.assert_frame_equal(diabolo.decompress(data), pd.read_csv(io.BytesIO(TEXT)))
    assert pipe(data, "decompress", "-", "-o", "-")[:2] == (0, TEXT)


@pytest.mark.parametrize(
    "given",
    [
        filed(lambda file: np.save(file, np.arange(60).reshape(20, 3))),
        filed(lambda file: TABLE.to_parquet(file)),
        filed(lambda file: np.savez_compressed(file, X=np.arange(60.0).reshape(20, 3))),
        *(filed(lambda file, kind=kind: PICTURE.save(file, kind)) for kind in ("PNG", "BMP", "GIF", "TIFF", "PPM")),
    ],
    ids=["npy", "parquet", "npz", "png", "bmp", "gif", "tif", "ppm"],
)
def test_files_are_known_by_what_they_begin_with(pipe, given):
    code, data, said = pipe(given, "compress", "-", "-o", "-", "--set", "training.steps=3", "--quiet")
    assert code == 0, said
    code, out, said = pipe(data, "decompress", "-", "-o", "-", "--json")
    assert json.loads(said)["output"] == "-"
    again = pipe(out, "compress", "-", "-o", "-", "--set", "training.steps=3", "--quiet")[1]
    back, first = diabolo.decompress(again), diabolo.decompress(data)
    assert np.array_equal(np.asarray(back), np.asarray(first))


def test_files_and_pipes_go_together(pipe, tmp_path):
    TABLE.to_csv(tmp_path / "other.csv", index=False)
    assert pipe(TEXT, "compress", tmp_path / "other.csv", "-", "-o", tmp_path / "x.dbl", *PLAIN)[0] == 0
    code, out, _ = pipe(b"", "decompress", tmp_path / "x.dbl", "-o", tmp_path / "out")
    assert (code, sorted(file.name for file in (tmp_path / "out").iterdir())) == (0, ["other.csv", "stdin.csv"])
    assert b"wrote" in out
    assert pipe(b"", "decompress", tmp_path / "x.dbl", "-o", "-")[1].count(b"\n") == 601


def test_files_are_looked_at_through_pipes(pipe):
    data = pipe(TEXT, "compress", "-", "-o", "-", *PLAIN)[1]
    assert pipe(data, "verify", "-")[:2] == (
        0,
        f"- is whole, {len(data)} bytes: every checksum is right, and all of it was decoded\n".encode(),
    )
    assert json.loads(pipe(data, "info", "-", "--json")[1])["shape"] == [300, 2]


@pytest.mark.parametrize(
    ("given", "args", "words"),
    [
        (b"", ("compress", "-", "-o", "-"), "'stdin.csv' is cut, broken or foreign"),
        (TEXT, ("compress", "-", "-", "-o", "-"), "can be read once"),
        (TEXT, ("decompress", "-", "-o", "-"), "is no .dbl file"),
        (TEXT, ("verify", "-"), "is no .dbl file"),
    ],
    ids=["nothing", "twice", "text", "verify"],
)
def test_what_cannot_be_used_writes_nothing(pipe, given, args, words):
    code, out, said = pipe(given, *args)
    assert (code, out) == (1, b"")
    assert said.startswith("error: ")
    assert words in said
    assert "/tmp" not in said
    if "-o" in args:
        code, out, said = pipe(given, *args, "--json")
        assert (code, out) == (1, b"")
        assert words in json.loads(said)["error"]["message"]


def test_text_that_begins_like_another_file_is_text(pipe):
    text = b"PAR1,BM\n1,2\n3,4\n"
    assert pipe(pipe(text, "compress", "-", "-o", "-", *PLAIN)[1], "decompress", "-", "-o", "-")[1] == text


def test_who_reads_may_leave(tmp_path):
    """As `head` does, once it has its lines."""
    pd.DataFrame({"a": np.arange(200_000)}).to_csv(tmp_path / "x.csv", index=False)
    run = [sys.executable, "-c", "from diabolo.cli.app import main; main()"]
    compress = ["compress", str(tmp_path / "x.csv"), "-o", str(tmp_path / "x.dbl"), *PLAIN]
    subprocess.run([*run, *compress], check=True, capture_output=True)
    decompress = [*run, "decompress", str(tmp_path / "x.dbl"), "-o", "-"]
    with subprocess.Popen(decompress, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == b"a\n"
        process.stdout.close()
        assert b"error" not in process.stderr.read()
    assert process.returncode == 0
