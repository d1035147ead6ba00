"""Writing that fails, or is killed, at every single step."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import diabolo
from diabolo.errors import FileError
from diabolo.files import load, replacing, save, write_bytes

FULL = OSError(28, "No space left on device")

# A process that dies at its n-th touch of the disk, for n = 1, 2, … until a save gets through; then at random moments.
KILLED = """
import json, os, random, signal, sys, time
from pathlib import Path
import torch
from diabolo.files import load, save

place, touched, deadly = Path(sys.argv[1]), 0, 0

def watch(event, _):
    global touched
    if deadly and event in {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.scandir"}:
        touched += 1
        if touched == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

def write(turn):
    save(place, {"turn": turn}, {"a": torch.full((1000,), float(turn))})

def found():
    document, arrays = load(place)
    assert arrays["a"].unique().tolist() == [document["turn"]]
    return document["turn"]

def die(at):
    global deadly
    if os.fork() == 0:
        deadly = at
        write(1)
        os._exit(0)
    return os.wait()[1] != 0

def killed_at_random(rng):
    child = os.fork()
    if child == 0:
        turn = 1
        while True:
            write(turn := turn + 1)
    time.sleep(rng.uniform(0.001, 0.03))
    os.kill(child, signal.SIGKILL)
    os.wait()

torch.set_num_threads(1)
sys.addaudithook(watch)
write(0)
steps, turns = 0, []
while die(steps + 1):
    steps += 1
    turns.append(found())
    write(0)
    assert found() == 0
rng = random.Random(0)
for _ in range(10):
    killed_at_random(rng)
    found()
write(0)
print(json.dumps({"turns": turns, "aside": [f.name for f in place.parent.iterdir() if "old" in f.name]}))
"""


def failing_at(monkeypatch, step: int, error: BaseException) -> list[str]:
    """Make the `step`-th touch of the disk raise; return the list of touches, which fills."""
    touches: list[str] = []

    def fragile(name, touch):
        def call(*args, **kwargs):
            touches.append(name)
            if len(touches) == step:
                raise error
            return touch(*args, **kwargs)

        return call

    for name in ("mkdir", "open", "write_bytes", "rename", "replace", "unlink"):
        monkeypatch.setattr(Path, name, fragile(name, getattr(Path, name)))
    for name in ("fsync", "rmdir"):
        monkeypatch.setattr(os, name, fragile(name, getattr(os, name)))
    return touches


def write(target: Path, turn: int) -> None:
    save(target, {"turn": turn}, {"a": torch.full((3,), float(turn))})


def found(target: Path) -> int:
    document, arrays = load(target)
    assert arrays["a"].tolist() == [document["turn"]] * 3
    return document["turn"]


@pytest.mark.parametrize("error", [FULL, KeyboardInterrupt()], ids=["full", "interrupted"])
@pytest.mark.parametrize("place", ["model", "model.zip"])
def test_a_save_that_fails_at_any_step_leaves_the_old_or_the_new_model(tmp_path, place, error):
    target = tmp_path / place
    write(target, 0)
    turns = []
    for step in itertools.count(1):
        with pytest.MonkeyPatch.context() as monkeypatch:
            touches = failing_at(monkeypatch, step, error)
            told = None
            try:
                write(target, 1)
            except (FileError, KeyboardInterrupt) as raised:
                told = raised
        if len(touches) < step:
            break
        turns.append(found(target))
        if not isinstance(told, KeyboardInterrupt):  # which may come when all is done but the tidying up
            assert turns[-1] == (told is None)
        write(target, 0)  # whatever was left is no hindrance
        assert found(target) == 0
    assert len(turns) > 5 and set(turns) == {0, 1}
    assert found(target) == 1


@pytest.mark.parametrize(
    ("place", "name"), [("model", "rename"), ("model", "fsync"), ("model.zip", "replace"), ("model.zip", "fsync")]
)
def test_a_full_disk_is_told_and_leaves_no_temporary(tmp_path, monkeypatch, place, name):
    def fail(*_):
        raise FULL

    write(tmp_path / place, 0)
    monkeypatch.setattr(os if name == "fsync" else Path, name, fail)
    with pytest.raises(FileError, match=f"/{place} cannot be written .No space left on device.; .*\\.$"):
        write(tmp_path / place, 1)
    assert [file.name for file in tmp_path.iterdir()] == [place]
    assert found(tmp_path / place) == 0


def test_the_old_model_comes_back_when_the_new_one_cannot_come_in(tmp_path, monkeypatch):
    save(tmp_path / "m", {"turn": 0}, {})
    rename = Path.rename

    def refuse(self, new):
        if Path(new) == tmp_path / "m" and "old" not in self.name:
            assert not (tmp_path / "m").exists()
            assert load(tmp_path / "m")[0]["turn"] == 0  # also at the one moment when nothing has the name
            raise FULL
        return rename(self, new)

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(FileError, match="No space left"):
        save(tmp_path / "m", {"turn": 1}, {})
    assert load(tmp_path / "m")[0]["turn"] == 0
    assert [file.name for file in tmp_path.iterdir()] == ["m"]


def test_an_old_model_left_aside_is_read_then_tidied_up(tmp_path):
    save(tmp_path / "m", {"turn": 0}, {})
    (tmp_path / "m").rename(tmp_path / ".diabolo-old-m")
    assert load(tmp_path / "m")[0]["turn"] == 0
    save(tmp_path / "m", {"turn": 1}, {})
    assert load(tmp_path / "m")[0]["turn"] == 1
    assert [file.name for file in tmp_path.iterdir()] == ["m"]


def test_an_old_model_left_aside_outlives_a_foreign_folder(tmp_path):
    save(tmp_path / "m", {"turn": 0}, {})
    (tmp_path / "m").rename(tmp_path / ".diabolo-old-m")
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "notes.txt").touch()
    with pytest.raises(FileError, match="is no model"):
        save(tmp_path / "m", {"turn": 1}, {})
    assert load(tmp_path / ".diabolo-old-m")[0]["turn"] == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the killed process is a fork")
def test_a_save_killed_at_any_step_leaves_the_old_or_the_new_model(tmp_path):
    command = [sys.executable, "-c", KILLED, str(tmp_path / "m")]
    environment = os.environ | {"PYTHONPATH": str(Path(diabolo.__file__).parents[1])}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 0, ran.stderr
    result = json.loads(ran.stdout)
    assert len(result["turns"]) > 10 and set(result["turns"]) == {0, 1}
    assert result["turns"] == sorted(result["turns"])
    assert result["aside"] == []


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_bytes("~/page.html", b"<p>fine</p>")
    save("~/model", {"turn": 1}, {"a": torch.ones(2)})
    assert {file.name for file in tmp_path.iterdir()} == {"page.html", "model"}
    assert load("~/model")[0]["turn"] == 1


def test_replacing_keeps_the_ending_and_the_mode(tmp_path):
    target = tmp_path / "scored.csv.gz"
    write_bytes(target, b"old")
    target.chmod(0o600)
    with replacing(target) as temporary:
        assert temporary.parent == tmp_path and temporary.name.endswith("scored.csv.gz")
        temporary.write_bytes(b"new")
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new" and target.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [target]


def test_what_the_block_raises_passes_and_the_old_file_stays(tmp_path):
    write_bytes(tmp_path / "a.csv", b"old")
    with pytest.raises(KeyError, match="column"), replacing(tmp_path / "a.csv") as temporary:
        temporary.write_bytes(b"half")
        raise KeyError("column")
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"old"]


def test_a_block_that_writes_nothing_replaces_nothing(tmp_path):
    write_bytes(tmp_path / "a.csv", b"old")
    with pytest.raises(FileError, match="cannot be written"), replacing(tmp_path / "a.csv"):
        pass
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"old"]


def test_only_plain_files_are_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (Path("/dev/null"), tmp_path, tmp_path / "pipe"):
        with pytest.raises(FileError, match="no plain file"):
            write_bytes(path, b"")
        assert path.exists() and not path.is_file()


def test_a_parent_that_is_a_file_is_told(tmp_path):
    write_bytes(tmp_path / "a", b"mine")
    for write in (lambda path: write_bytes(path, b""), lambda path: save(path, {}, {})):
        with pytest.raises(FileError, match=r"cannot be written \(.*\); check the path.*\.$"):
            write(tmp_path / "a" / "b")
    assert (tmp_path / "a").read_bytes() == b"mine"
