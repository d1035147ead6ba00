"""The .dbl file on the disk: the whole new one or the old one, whatever happens."""

import io
import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import diabolo
from diabolo.codec import Container, pack, write
from diabolo.errors import FileError

CHUNKS = [b"first", b"", bytes(range(256)), b"\r\n\x1a\n\x00"]
HEADS = st.dictionaries(st.text(max_size=8), st.integers() | st.lists(st.text(), max_size=3), max_size=3)

# A process that dies at its n-th touch of the disk, or as it is asked for its n-th chunk, until a write gets through.
KILLED = """
import json, os, signal, sys
from pathlib import Path
from diabolo.codec import Container, write

place, touched, deadly = Path(sys.argv[1]), 0, 0

def touch(event="chunk", _=None):
    global touched
    if deadly and event in {"chunk", "open", "os.rename", "os.mkdir", "os.remove", "os.chmod"}:
        touched += 1
        if touched == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

def chunks(turn):
    for i in range(3):
        touch()
        yield bytes([turn]) * 10000

def found():
    with Container.open(place) as file:
        file.verify()
        assert list(file) == list(chunks(file.head["turn"]))
        return file.head["turn"]

def die(at):
    global deadly
    if os.fork() == 0:
        deadly = at
        write(place, {"turn": 1}, chunks(1))
        os._exit(0)
    return os.wait()[1] != 0

sys.addaudithook(touch)
write(place, {"turn": 0}, chunks(0))
turns = []
while die(len(turns) + 1):
    turns.append(found())
    write(place, {"turn": 0}, chunks(0))
print(json.dumps([*turns, found()]))
"""


def content(source) -> tuple[dict, list[bytes]]:
    with Container.open(source) as file:
        file.verify()
        assert file.sizes == list(map(len, file))
        return file.head, list(file)


@given(HEADS, st.lists(st.binary(max_size=40), max_size=6))
def test_what_is_written_is_what_is_packed(tmp_path_factory, head, chunks):
    path = tmp_path_factory.mktemp("written") / "sub" / "a.dbl"
    write(path, head, iter(chunks))
    assert path.read_bytes() == pack(head, chunks)
    assert content(path) == (head, chunks) and [file.name for file in path.parent.iterdir()] == ["a.dbl"]


def test_a_write_holds_one_chunk_at_a_time(tmp_path):
    tracemalloc.start()
    write(tmp_path / "a.dbl", {}, (bytes([i]) * 2**20 for i in range(16)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 2**20
    assert (tmp_path / "a.dbl").stat().st_size > 2**24


def test_a_file_may_be_made_of_itself(tmp_path):
    write(tmp_path / "a.dbl", {}, CHUNKS)
    with Container.open(tmp_path / "a.dbl") as old:
        write(tmp_path / "a.dbl", {"turned": True}, (chunk[::-1] for chunk in old))
    assert content(tmp_path / "a.dbl") == ({"turned": True}, [chunk[::-1] for chunk in CHUNKS])


def test_a_disk_that_changes_a_byte_is_told(tmp_path, monkeypatch):
    class Faulty(io.FileIO):
        def write(self, data, /):
            return super().write(bytes(data).replace(b"first", b"worst"))

    write(tmp_path / "a.dbl", {}, [b"old"])
    usual = Path.open
    monkeypatch.setattr(Path, "open", lambda self, mode: Faulty(self, mode) if mode == "xb" else usual(self, mode))
    with pytest.raises(FileError, match=r"a\.dbl cannot be written: read back, it differs \(Chunk 1 of .* disk\.$"):
        write(tmp_path / "a.dbl", {}, [b"new", b"first"])
    assert content(tmp_path / "a.dbl") == ({}, [b"old"]) and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("name", ["write", "close"])
def test_a_full_disk_is_told(tmp_path, monkeypatch, name):
    class Full(io.FileIO):
        pass

    def fail(self, *_):
        io.FileIO.close(self)
        raise OSError(28, "No space left on device")

    setattr(Full, name, fail)
    write(tmp_path / "a.dbl", {}, [b"old"])
    usual = Path.open
    monkeypatch.setattr(Path, "open", lambda self, mode: Full(self, mode) if mode == "xb" else usual(self, mode))
    with pytest.raises(FileError, match=r"a\.dbl cannot be written .No space left on device.; .*\.$"):
        write(tmp_path / "a.dbl", {}, [b"new"])
    monkeypatch.undo()
    assert content(tmp_path / "a.dbl") == ({}, [b"old"]) and len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("error", [ValueError("mine"), KeyboardInterrupt()], ids=["error", "interrupted"])
def test_what_the_chunks_raise_passes_and_the_old_file_stays(tmp_path, error):
    def chunks():
        yield b"new"
        raise error

    write(tmp_path / "a.dbl", {}, [b"old"])
    with pytest.raises(type(error)) as raised:
        write(tmp_path / "a.dbl", {}, chunks())
    assert raised.value is error
    assert content(tmp_path / "a.dbl") == ({}, [b"old"]) and len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the killed process is a fork")
def test_a_write_killed_at_any_step_leaves_the_old_or_the_new_file(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path / "a.dbl")]
    environment = os.environ | {"PYTHONPATH": str(Path(diabolo.__file__).parents[1])}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    turns = json.loads(ran.stdout)
    assert len(turns) > 8 and turns == sorted(turns) and set(turns) == {0, 1}
