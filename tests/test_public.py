"""The public face: the names, and every example of the README and the guides."""

import re
import shlex
import warnings
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import diabolo
from diabolo.cli.app import app
from diabolo.errors import DiaboloWarning
from diabolo.model import Recipe

ROOT = Path(__file__).resolve().parents[1]
PAGES = ["README.md", *sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "docs").glob("*.md"))]
PAGES += sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "docs" / "guide").glob("*.md"))


def test_rooms_are_there_without_an_import():
    assert callable(diabolo.export.to_onnx)
    assert diabolo.latents.TopK(3).k == 3
    with pytest.raises(AttributeError, match="has no attribute 'nowhere'"):
        _ = diabolo.nowhere


def blocks(page: str, kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", (ROOT / page).read_text("utf-8"), re.DOTALL | re.MULTILINE)


def commands(page: str) -> list[list[str]]:
    lines = "\n".join(blocks(page, "console")).replace("\\\n", " ").splitlines()
    return [shlex.split(line[len("$ diabolo") :]) for line in lines if line.startswith("$ diabolo ")]


def test_the_public_face_is_small():
    jobs = ["Colorizer", "Compressor", "Denoiser", "Detector", "Dictionary", "Generator", "Imputer", "Pretrainer"]
    jobs += ["Recommender", "Reducer"]
    others = ["Recipe", "Training", "decompress", "fit_together", "load", "opened"]
    assert sorted(diabolo.__all__) == sorted([*jobs, *others])
    assert dir(diabolo) == sorted([*diabolo.__all__, "__version__"])


@pytest.mark.parametrize("name", diabolo.__all__)
def test_every_name_is_there_and_says_what_it_is(name):
    scope = {}
    exec(f"from diabolo import {name}", scope)
    assert scope[name] is getattr(diabolo, name)
    assert scope[name].__doc__


def test_what_is_not_there_is_an_import_error():
    with pytest.raises(ImportError, match="nope"):
        exec("from diabolo import nope")
    with pytest.raises(AttributeError, match="module 'diabolo' has no attribute 'nope'"):
        _ = diabolo.nope  # pyright: ignore[reportAttributeAccessIssue]


def test_a_star_import_gives_the_public_face():
    scope = {}
    exec("from diabolo import *", scope)
    assert set(scope) - {"__builtins__"} == set(diabolo.__all__)


def test_the_version_is_a_version():
    assert re.fullmatch(r"\d+\.\d+\.\d+", diabolo.__version__)
    result = CliRunner().invoke(app, ["--version"])
    assert result.output == f"diabolo {diabolo.__version__}\n"


@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")])
def test_the_python_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if page != "README.md":  # the guides train so shortly that PCA may be better
        warnings.simplefilter("ignore", DiaboloWarning)
    scope = {"__name__": "__page__"}
    for block in blocks(page, "python"):
        exec(compile(block, page, "exec"), scope)


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)])
def test_the_commands_of_a_page_run(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rows = np.random.default_rng(0).normal(size=(60, 3)) @ np.ones((3, 5)).cumsum(1)
    for name in ("measurements", "transactions", "new"):
        np.savetxt(f"{name}.csv", rows, delimiter=",", header="a,b,c,d,e", comments="")
    np.save("vectors.npy", rows)
    Path("events.csv").write_text(
        "user,item,rating\n" + "".join(f"u{i % 20},i{i * 7 % 30},{3 + i % 3}\n" for i in range(300))
    )
    for words in commands(page):
        result = CliRunner().invoke(app, [*words, *(["--set", "training.epochs=2"] if words[0] == "fit" else [])])
        assert result.exit_code == 0, f"diabolo {shlex.join(words)}: {result.output}"


def test_every_composition_of_the_readme_is_one():
    scope = {}
    exec(next(block for block in blocks("README.md", "python") if "from diabolo import Recipe" in block), scope)
    lines = [line for line in (ROOT / "README.md").read_text("utf-8").splitlines() if line.startswith("|")]
    written = re.findall(r"`(Recipe\(.*?\))`", "\n".join(lines))
    assert len(written) > 15
    for text in written:
        recipe = eval(text, scope)
        assert isinstance(recipe, Recipe)
        recipe.check()
        assert recipe.equation()
