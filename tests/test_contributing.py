"""CONTRIBUTING keeps its word: a file dropped into a room is a part, with no other edit."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"```python\n# src/(diabolo/(\w+)/\w+\.py)\n(.*?)```", re.DOTALL)
BLOCKS = BLOCK.findall((ROOT / "CONTRIBUTING.md").read_text("utf-8"))
SHOWN = {
    "penalties": ("Decorrelated", "Decorrelated(weight=0.5)", "penalties=(Decorrelated(weight=.5),)"),
    "likelihoods": ("Logistic", "Logistic()", "likelihood=Logistic()"),
}
DROPPED = """
{named}
import importlib, json, pathlib, torch, diabolo
from diabolo.flow import Batch
from diabolo.model import Recipe
from diabolo.part import PARTS, from_json
from diabolo.text import parse
from diabolo.training import Rows, Training, train

assert pathlib.Path(diabolo.__file__).is_relative_to({house!r})
for role, (name, text, setting) in {shown!r}.items():
    assert getattr(importlib.import_module(f"diabolo.{{role}}"), name) is PARTS[role][name]
    part = parse(text, role)
    assert repr(part) == text
    assert from_json(json.loads(json.dumps(part.to_json()))) == part
    recipe = Recipe(penalties=(part,)) if role == "penalties" else Recipe(likelihood=part)
    assert part.equation() in recipe.equation()
    assert from_json(recipe.to_json()) == recipe
    torch.manual_seed(0)
    model, x = recipe.build((5,), 3), torch.randn(64, 5)
    before = model(Batch(x), noise=False).loss
    train(model, Rows(x, form=lambda rows: rows), None, Training(epochs=20))
    assert model(Batch(x), noise=False).loss < before
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with the shown files in it."""
    folder = tmp_path_factory.mktemp("house")
    shutil.copytree(ROOT / "src" / "diabolo", folder / "diabolo", ignore=shutil.ignore_patterns("__pycache__"))
    for path, _, text in BLOCKS:
        assert not (folder / path).exists()
        (folder / path).write_text(text, "utf-8")
    return folder


def python(house: Path, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": str(house), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, *arguments], env=environment, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_penalty_and_a_likelihood_are_shown_in_under_30_lines_each():
    assert {role: len(text.splitlines()) < 30 for _, role, text in BLOCKS} == dict.fromkeys(SHOWN, True)


def test_a_dropped_file_is_a_part_that_can_be_imported_by_name(house):
    named = "\n".join(f"from diabolo.{role} import {name}" for role, (name, *_) in SHOWN.items())
    python(house, "-W", "error", "-c", DROPPED.format(house=str(house), shown=SHOWN, named=named))


def test_the_command_line_takes_the_parts(house, tmp_path):
    table = np.random.default_rng(0).normal(size=(60, 4))
    np.savetxt(tmp_path / "data.csv", table, delimiter=",", header="a,b,c,d", comments="")
    settings = [word for *_, setting in SHOWN.values() for word in ("--set", setting)]
    words = ["fit", "reducer", str(tmp_path / "data.csv"), "-o", str(tmp_path / "model"), "--json", *settings]
    run = "from diabolo.cli.app import main; main()"
    answer = json.loads(python(house, "-c", run, *words, "--set", "training.epochs=2"))
    assert answer["epochs"] == 2
    assert answer["recipe"].endswith(", likelihood=Logistic(), penalties=(Decorrelated(weight=0.5),))")
    saved = (tmp_path / "model" / "model.json").read_text()
    assert "penalties.Decorrelated" in saved
    assert "likelihoods.Logistic" in saved


def test_the_tests_of_every_part_take_in_the_new_ones(house):
    names = " or ".join(name for name, *_ in SHOWN.values())
    options = ["-q", "-rs", "-p", "no:xdist", "-p", "no:cacheprovider", "-k", names]
    files = [str(ROOT / "tests" / name) for name in ("test_parts.py", "test_golden.py")]
    out = python(house, "-m", "pytest", *options, *files)
    passed = re.search(r"(\d+) passed, 2 skipped", out)
    assert passed is not None, out
    assert int(passed[1]) >= 2 * 7
    for role, (name, *_) in SHOWN.items():
        assert re.search(rf"{role}\.{name}\(.*has no fingerprint: `python -m tests\.test_golden` writes one", out)
