"""Pictures from the command line: each by itself, under its name, with its depth; and what is learned from pairs."""

import json
import re
from typing import Any, ClassVar

import numpy as np
import pytest
import tifffile
from PIL import Image

from diabolo import Training, load
from diabolo.cli import making, work
from diabolo.corruptions import BlindNoise
from diabolo.data.images import read_images
from diabolo.errors import DataError, ParameterError
from diabolo.estimators import Denoiser, Generator, Reducer
from diabolo.priors import Mixture

STEPS = ("--set", "training.steps=5", "--quiet")
SMALL = ("--set", "net=ResUNet(channels=(8, 8), blocks=1)", "--set", "training.batch_size=2")


def read(path) -> Any:
    return read_images(path)


class Inverter:
    """Makes pictures of pictures as a fitted estimator does, at no cost."""

    verbs: ClassVar[tuple[str, ...]] = ("transform", "score", "complain")
    row_verb = None
    pictures: ClassVar[bool] = True
    in_parts = True
    opened = staticmethod(Reducer.opened)

    def transform(self, X):
        assert X.shape[0] == 1
        if X.dtype.kind == "f":
            return 1.0 - X
        return np.iinfo(X.dtype).max - X.astype(np.float64)

    def score(self, X):
        return X.mean((1, 2, 3))

    def complain(self, X):
        raise DataError(f"too dark:\n {int(X.max())}")


@pytest.fixture
def inverter(monkeypatch):
    monkeypatch.setattr(work, "load", lambda model, device: Inverter())


@pytest.fixture
def folder(tmp_path):
    rng, folder = np.random.default_rng(0), tmp_path / "in"
    folder.mkdir()
    Image.fromarray(rng.integers(0, 256, (20, 24, 4), dtype=np.uint8)).save(folder / "alpha.png", dpi=(300, 300))
    Image.fromarray(rng.integers(0, 65536, (21, 24), dtype=np.uint16)).save(folder / "deep.png")
    stack = rng.integers(0, 4096, (3, 20, 24), dtype=np.uint16)
    tifffile.imwrite(folder / "stack.tif", stack, photometric="minisblack", description="a cell")
    tifffile.imwrite(folder / "floats.tif", rng.uniform(size=(20, 24)).astype(np.float32))
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_each_picture_is_written_as_it_was(call, inverter, folder, tmp_path):
    code, out, err = call("apply", "model", folder, "-o", tmp_path / "out")
    assert (code, err) == (0, "")
    assert "pictures  4" in out
    assert f"wrote {tmp_path / 'out'}" in out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        *("alpha.png", "deep.png", "floats.tif", "stack.tif")
    ]
    with Image.open(folder / "alpha.png") as before, Image.open(tmp_path / "out" / "alpha.png") as after:
        np.testing.assert_array_equal(np.asarray(after)[..., :3], 255 - np.asarray(before)[..., :3])
        np.testing.assert_array_equal(np.asarray(after)[..., 3], np.asarray(before)[..., 3])
        assert before.info == after.info
    for name in ("deep.png", "stack.tif"):
        got = read(tmp_path / "out" / name)
        assert got.dtype == np.uint16
        np.testing.assert_array_equal(got, 65535 - read(folder / name))
    np.testing.assert_array_equal(read(tmp_path / "out" / "floats.tif"), np.float32(1) - read(folder / "floats.tif"))
    with tifffile.TiffFile(tmp_path / "out" / "stack.tif") as after:
        assert after.pages.first.description == "a cell"


def test_one_picture_into_a_folder_or_a_file(call, inverter, folder, tmp_path):
    for output, written in (("new", "new/deep.png"), ("other.png", "other.png"), ("in/other.png", "in/other.png")):
        code, out, err = call("apply", "model", folder / "deep.png", "-o", tmp_path / output, "--json")
        assert (code, err) == (0, "")
        assert json.loads(out) == {"pictures": 1, "output": str(tmp_path / output)}
        np.testing.assert_array_equal(read(tmp_path / written), 65535 - read(folder / "deep.png"))


def test_a_picture_that_fails_does_not_stop_the_others(call, inverter, folder, tmp_path):
    (folder / "broken.png").write_bytes((folder / "deep.png").read_bytes()[:-200])
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).quantize(4).save(folder / "colours.gif")
    code, out, err = call("apply", "model", folder, "-o", tmp_path / "out")
    assert code == 1
    assert err.count("error: ") == err.count("\n") == 2
    assert "error: broken.png: Cannot read the image 'broken.png'" in err
    assert "error: colours.gif: 'colours.gif' is GIF" in err
    assert "failed    2" in out
    assert len(list((tmp_path / "out").iterdir())) == 4
    code, out, err = call("apply", "model", folder, "-o", tmp_path / "out", "--json")
    assert (code, err) == (1, "")
    told = json.loads(out)
    assert told["pictures"] == 6
    assert told["failed"].keys() == {"broken.png", "colours.gif"}


def test_a_broken_stack_is_one_line(call, inverter, folder, tmp_path):
    content = bytearray((folder / "stack.tif").read_bytes())
    content[10] ^= 1  # the number of a tag
    (folder / "stack.tif").write_bytes(content)
    code, _, err = call("apply", "model", folder, "-o", tmp_path / "out")
    assert code == 1
    assert err.startswith("error: stack.tif: Cannot read the image 'stack.tif'")
    assert err.count("\n") == 1


def test_a_method_that_fails_is_named_by_picture(call, inverter, folder, tmp_path):
    code, _, err = call("apply", "model", folder / "deep.png", "-o", tmp_path / "out", "--as", "complain")
    assert code == 1
    assert err.startswith("error: deep.png: too dark: ")
    assert err.count("\n") == 1
    code, _, err = call("apply", "model", folder / "deep.png", "-o", tmp_path / "out", "--as", "score")
    assert code == 1
    assert "must be one; got shape (1,). Write it as .npy" in err
    assert call("apply", "model", folder / "deep.png", "-o", tmp_path / "s.npy", "--as", "score")[0] == 0
    assert np.load(tmp_path / "s.npy").shape == (1,)


def test_the_pictures_themselves_are_never_overwritten(call, inverter, folder, tmp_path):
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (tmp_path / "link").symlink_to(folder)
    for data, output, word in (
        (folder, folder, "the folder of the pictures themselves"),
        (folder, tmp_path / "link", "the folder of the pictures themselves"),
        (folder, f"{folder}/../in", "the folder of the pictures themselves"),
        (folder / "deep.png", folder, "the folder of the pictures themselves"),
        (folder / "deep.png", folder / "deep.png", "over itself"),
        (folder, tmp_path / "out.png", "is written to a folder; got 'out.png'"),
        (folder / "deep.png", tmp_path / "deep.tif", "ends in '.png'"),
        (folder / "missing.png", tmp_path / "out", "There is no file or folder"),
    ):
        code, _, err = call("apply", "model", data, "-o", output)
        assert code == 1
        assert word in err
        assert err.count("\n") == 1
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert not (tmp_path / "out").exists()


def test_a_job_that_makes_no_pictures_writes_none(call, folder, tmp_path):
    Reducer(2, training=Training(epochs=1)).fit(np.zeros((3, 1, 8, 8), np.uint8)).save(tmp_path / "model")
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    code, _, err = call("apply", tmp_path / "model", tmp_path / "a.png", "-o", tmp_path / "out")
    assert code == 1
    assert "known suffixes: .csv" in err


def test_a_bar_shows_how_far_a_picture_is(inverter, folder, tmp_path, monkeypatch):
    """On a terminal: by tiles, where a method tells of them."""
    from rich.progress import Progress

    seen = []
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr(Progress, "update", lambda bar, task, completed, description="": seen.append(completed))
    monkeypatch.setattr(Inverter, "transform", lambda self, X, *, watch: watch(1, 2) or X)
    work.apply(tmp_path, str(folder), tmp_path / "out", None, "cpu", quiet=False)
    expected = [0, 0.5, 1.0, 1, 1.5, 2.0, 2, 2.5, 3.0, 3, *(3 + np.arange(1, 7) / 6)]
    np.testing.assert_allclose(seen, expected)
    seen.clear()
    work.apply(tmp_path, str(folder), tmp_path / "out", None, "cpu", quiet=True)
    assert not seen


def grainy(folder, seed, deep=False):
    """Pictures of smooth shapes with noise."""
    rng = np.random.default_rng(seed)
    folder.mkdir()
    for i in range(4):
        smooth = 128 + 60 * np.sin(np.add.outer(np.arange(40) / 7 + i, np.arange(36) / 5))
        image = (smooth + rng.normal(0, 10, smooth.shape)).clip(0, 255)
        Image.fromarray((image * 257).astype(np.uint16) if deep else image.astype(np.uint8)).save(folder / f"{i}.png")
    return folder


def test_a_denoiser_of_pictures(call, tmp_path):
    learnt, given = grainy(tmp_path / "learnt", 0, deep=True), grainy(tmp_path / "given", 1)
    stack = read(grainy(tmp_path / "more", 2, deep=True))[:, 0]
    tifffile.imwrite(given / "stack.tif", stack, photometric="minisblack", description="a cell")
    Image.open(tmp_path / "more" / "3.png").save(given / "deep.png")
    code, _, err = call(
        *("fit", "denoiser", learnt, "-o", tmp_path / "model", "--set", "corruption=BlindNoise(0, 0.3)", *SMALL, *STEPS)
    )
    assert (code, err) == (0, "")
    denoiser = load(tmp_path / "model")
    assert denoiser.recipe_.corruption == BlindNoise(0, 0.3)
    code, out, err = call("apply", tmp_path / "model", given, "-o", tmp_path / "out", "--json")
    assert code == 0, err
    assert json.loads(out)["pictures"] == 6
    for name, dtype, count in (("0.png", np.uint8, 1), ("deep.png", np.uint16, 1), ("stack.tif", np.uint16, 4)):
        got = read(tmp_path / "out" / name)
        assert got.dtype == dtype
        assert got.shape == (count, 1, 40, 36)
        np.testing.assert_array_equal(got[-1:], denoiser.transform(read(given / name)[-1:]))
    with tifffile.TiffFile(tmp_path / "out" / "stack.tif") as after:
        assert after.pages.first.description == "a cell"


def test_pairs_go_by_their_names(call, tmp_path, monkeypatch):
    noisy, clean = grainy(tmp_path / "noisy", 0), grainy(tmp_path / "clean", 1)
    fit = ("fit", "denoiser", noisy, "-o", tmp_path / "model", *STEPS)
    given = []
    monkeypatch.setattr(Denoiser, "fit", lambda self, X, y=None, **how: given.extend([X, y]))
    monkeypatch.setattr(Denoiser, "save", lambda self, path: None)
    monkeypatch.setattr(work, "facts", lambda estimator: {"done": 1})
    assert call(*fit, "--target", clean)[0] == 0
    np.testing.assert_array_equal(given[0], read(noisy))
    np.testing.assert_array_equal(given[1], read(clean))
    (clean / "2.png").rename(clean / "2.b.png")
    (noisy / "0.png").rename(noisy / "0.jpg")  # endings may differ
    code, out, err = call(*fit, "--target", clean)
    assert (code, out) == (1, "")
    assert "only in 'noisy': '2', only in 'clean': '2.b'. Rename or remove them." in err
    assert err.count("\n") == 1


def test_a_target_is_for_jobs_that_learn_from_pairs(call, tmp_path):
    np.save(tmp_path / "x.npy", np.zeros((9, 2)))
    code, _, err = call("fit", "reducer", tmp_path / "x.npy", "-o", tmp_path / "m", "--target", tmp_path / "x.npy")
    assert code == 1
    assert "--target is for a job that learns from pairs" in err
    assert "Reducer" in err


def test_parameters_of_a_job_may_be_parts():
    def made(*settings):
        estimator = making.make("generator", None, None, settings, 0, "cpu")
        assert isinstance(estimator, Generator)
        return estimator

    assert made("density=Mixture(20)").density == Mixture(20)
    assert made("density=Mixture(20)", "density.components=7").density == Mixture(7)
    assert made("density=Mixture", "density__components=7").density == Mixture(7)
    assert made("density=None").density is None
    for setting, word in (
        ("density=Mixtur(20)", "Did you mean 'Mixture'"),
        ("density=Mixture(0)", "'components' of Mixture must be"),
        ("density=Mixture(parts=3)", "unknown parameter 'parts'"),
        ("density.components=7", "set 'density' first"),
        ("density=TopK(3)", "unknown part among the priors 'TopK'"),
    ):
        with pytest.raises(ParameterError, match=re.escape(word)):
            made(setting)


@pytest.mark.parametrize(
    ("text", "value"), [("0.1", 0.1), ("5", 5), ("1e-3", 1e-3), ("auto", "auto"), ("None", None), ("(1, 2)", (1, 2))]
)
def test_other_parameters_of_a_job_are_literals_or_words(text, value):
    made = making.make("detector", None, None, [f"contamination={text}"], 0, "cpu")
    assert made.get_params()["contamination"] == value
    assert type(made.get_params()["contamination"]) is type(value)


def coloured(folder, count=4):
    """Colour pictures of smooth shapes, whose hue goes with their lightness."""
    folder.mkdir()
    for i in range(count):
        level = 128 + 80 * np.sin(np.add.outer(np.arange(24) / 5 + i, np.arange(20) / 4))
        rgb = np.stack([level, 255 - level, np.full_like(level, 90)], -1)
        Image.fromarray(rgb.astype(np.uint8)).save(folder / f"{i}.png", dpi=(300, 300))
    return folder


def test_a_colorizer_of_pictures(call, tmp_path):
    learnt, given = coloured(tmp_path / "learnt"), tmp_path / "given"
    given.mkdir()
    for i, depth in ((0, "L"), (1, "RGB")):
        Image.open(learnt / f"{i}.png").convert("L").convert(depth).save(given / f"{i}.png", dpi=(300, 300))
    Image.fromarray(read(given / "0.png")[0, 0].astype(np.uint16) * 257).save(given / "deep.png")
    code, _, err = call("fit", "colorizer", learnt, "-o", tmp_path / "model", *STEPS)
    assert (code, err) == (0, "")
    code, out, err = call("apply", tmp_path / "model", given, "-o", tmp_path / "out", "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["pictures"] == 3
    colorizer = load(tmp_path / "model")
    for name, dtype in (("0.png", np.uint8), ("1.png", np.uint8), ("deep.png", np.uint16)):
        got = read(tmp_path / "out" / name)
        assert got.dtype == dtype
        np.testing.assert_array_equal(got, colorizer.transform(read(given / name)))
    with Image.open(tmp_path / "out" / "0.png") as after, Image.open(given / "0.png") as before:
        assert after.mode == "RGB"
        assert after.info["dpi"] == before.info["dpi"]


def test_an_imputer_of_pictures(call, tmp_path):
    folder = coloured(tmp_path / "learnt")
    gaps = read(folder)[:2].astype(np.float32)
    gaps[:, :, 6:12, 5:11] = np.nan
    np.save(tmp_path / "gaps.npy", gaps)
    fit = ("fit", "imputer", folder, "-o", tmp_path / "model", "--set", "corruption=Gaps(size=8)", *SMALL, *STEPS)
    code, out, err = call(*fit, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["errors model"] > 0
    there = np.isfinite(gaps)
    for verb in ("transform", "uncertainty"):
        apply = ("apply", tmp_path / "model", tmp_path / "gaps.npy", "-o", tmp_path / f"{verb}.npy", "--as", verb)
        code, _, err = call(*apply)
        assert (code, err) == (0, "")
        found = np.load(tmp_path / f"{verb}.npy")
        assert found.shape == gaps.shape
        np.testing.assert_array_equal(found[there], gaps[there] if verb == "transform" else 0)
        assert np.isfinite(found).all()
    assert call("report", tmp_path / "model", tmp_path / "gaps.npy", "-o", tmp_path / "page.html")[0] == 0
