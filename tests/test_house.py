"""The rules of the house, as tests; ``python -m benchmarks.house`` prints the measures."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from itertools import pairwise
from operator import attrgetter

import numpy as np
import pytest
from benchmarks.house import FLOORS, File, Function, code_lines, files, length, parameters, public, repeated, rising

FILES = files()
PACKAGES = [file for file in FILES if file.name.endswith("/__init__.py") or file.name == "__init__.py"]
LONG = {
    "estimators/detection/detector.py": "the face of a job: seventeen documented methods, most of one line",
    "estimators/dictionaries/dictionary.py": "the face of a job: fourteen documented methods, most of a few lines",
    "estimators/recommendation/recommender.py": "the face of a job: eighteen documented methods, most of a few lines",
    "estimators/generation/generator.py": "the face of a job: twelve documented methods, most of one to three lines",
}
KEYS_ARE_PATHS = {"revise", "set_params"}  # knobs by path, each looked up: latent__beta=4


def test_imports_go_down_the_floors():
    assert {file.room for file in FILES} <= set(FLOORS), "a room without a floor: enter it in benchmarks/house.py"
    assert [f"{file.name}:{line} imports {room}" for file in FILES for line, room in rising(file)] == []


def test_a_file_is_at_most_300_lines_or_has_a_reason_and_never_over_500():
    long = {file.name: file.lines for file in FILES if file.lines > 300}
    assert long.keys() == LONG.keys()
    assert all(lines <= 500 for lines in long.values())


def test_a_function_is_at_most_60_lines():
    assert [(file.name, f.name) for file in FILES for f in file.functions if length(f) > 60] == []


def test_every_parameter_is_annotated():
    assert [(file.name, name) for file in FILES for name, annotated in parameters(file) if not annotated] == []


def test_everything_public_has_a_docstring():
    assert [file.name for file in FILES if not ast.get_docstring(file.tree)] == []
    bare = [(file.name, name) for file in FILES for name, documented in public(file) if not documented]
    assert [(file, name) for file, name in bare if not _inherits_its_docstring(file, name)] == []


def test_no_catch_all_parameters():
    catching = [(file.name, f.name) for file in FILES for f in file.functions if f.args.kwarg and not _forwards(f)]
    assert [(file, f) for file, f in catching if not f.startswith("__") and f not in KEYS_ARE_PATHS] == []


def _forwards(function):
    """Tell whether the keywords are those of the function that is wrapped, as the type checker knows."""
    return ast.unparse(function.args.kwarg.annotation or ast.Constant("")) == "P.kwargs"


def test_no_mutable_defaults():
    defaults = [
        (file.name, d) for file in FILES for f in file.functions for d in (*f.args.defaults, *f.args.kw_defaults)
    ]
    assert [(file, ast.unparse(d)) for file, d in defaults if d is not None and _mutable(d)] == []


def test_no_print_and_no_assert():
    calls = [(file.name, n) for file in FILES for n in ast.walk(file.tree) if isinstance(n, ast.Call | ast.Assert)]
    assert [(file, n.lineno) for file, n in calls if isinstance(n, ast.Assert) or ast.unparse(n.func) == "print"] == []


def test_warnings_name_the_line_of_the_user():
    assert {file.name for file in FILES if _calls(file, "warnings.warn", "warnings.warn_explicit")} == {"errors.py"}


def test_seeds_leave_the_random_states_of_the_user():
    seeding = {file.name for file in FILES if _calls(file, "torch.manual_seed", "torch.random.fork_rng")}
    assert seeding <= {"seeding.py"}


def test_no_name_that_says_nothing():
    defined = [(file, n.name) for file in FILES for n in ast.walk(file.tree) if isinstance(n, Function | ast.ClassDef)]
    names = [*defined, *((file, file.name) for file in FILES)]
    assert [
        (file.name, n) for file, n in names if re.search(r"utils?(\b|_)|helper|manager|misc", n, re.IGNORECASE)
    ] == []


def test_the_typical_file_and_function_are_short():
    assert np.median([file.lines for file in FILES]) <= 150
    assert np.median([length(f) for file in FILES for f in file.functions]) <= 10


def test_little_is_written_twice():
    again = sum(len(lines) for lines in repeated(FILES).values())
    assert again <= 0.05 * sum(len(code_lines(file)) for file in FILES)


@pytest.mark.parametrize("file", PACKAGES, ids=lambda file: file.name)
def test_all_is_what_is_public_and_sorted(file):
    name = ".".join(["diabolo", *file.name.split("/")[:-1]])
    package = importlib.import_module(name)
    listed = getattr(package, "__all__", [])
    assert listed == sorted(listed, key=_isort)
    assert [n for n in listed if not hasattr(package, n)] == []
    imports = [n for n in file.tree.body if isinstance(n, ast.ImportFrom) and (n.module or "").startswith(f"{name}.")]
    assert {alias.asname or alias.name for n in imports for alias in n.names} <= set(listed)


@pytest.mark.parametrize("module", ["diabolo", "diabolo.cli.app"])
def test_importing_is_light(module):
    heavy = "{'torch', 'pandas', 'sklearn', 'matplotlib'}"
    code = f"import sys, {module}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("from diabolo.cli import app", ["cli"]),
        ("import diabolo.estimators.base", ["estimators"]),
        ("from diabolo import training, nets", ["training"]),
        ("from diabolo import Reducer", ["__init__"]),
        ("from ..data import read", ["data"]),
        ("def late():\n    from diabolo.training import train", ["training"]),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from diabolo.report import Page", ["report"]),
        ("from diabolo.check import Number\nfrom diabolo.latents import Plain\nfrom . import net\nimport torch", []),
        ("from diabolo import __version__", []),
    ],
)
def test_an_import_that_goes_up_is_found(text, found):
    assert [room for _, room in rising(File("nets/thing.py", text))] == found


def test_length_leaves_out_the_docstring():
    file = File("nets/thing.py", 'def f(x):\n    """One.\n\n    Two.\n    """\n    y = x\n    return y\n')
    assert [length(f) for f in file.functions] == [3]


def test_a_parameter_without_annotation_is_found():
    text = "class A:\n    def f(self, x: int, *, y, **rest: int): ...\n    @staticmethod\n    def g(z): ...\n"
    assert dict(parameters(File("nets/thing.py", text))) == {"f.x": True, "f.y": False, "f.rest": True, "g.z": False}


def test_a_missing_docstring_is_found():
    text = 'class A:\n    """An A."""\n    def f(self):\n        return 1\n    def forward(self):\n        return 2\n'
    assert dict(public(File("nets/thing.py", text))) == {"A": True, "A.f": False}


def test_repetition_is_found_across_files_from_five_lines_on():
    lines = [f"x{i} = {i}" for i in range(6)]
    one, two = File("nets/a.py", "\n".join(lines)), File("nets/b.py", "# why\n\n" + "\n".join(lines[1:]))
    assert repeated([one, two]) == {"nets/a.py": {2, 3, 4, 5, 6}, "nets/b.py": {3, 4, 5, 6, 7}}
    assert repeated([one, File("nets/b.py", "\n".join(lines[2:]))]) == {}
    assert repeated([one]) == {}


@pytest.mark.parametrize(("default", "mutable"), [("[]", True), ("dict()", True), ("()", False), ("Recipe()", False)])
def test_a_mutable_default_is_found(default, mutable):
    assert _mutable(ast.parse(default, mode="eval").body) == mutable


def test_names_sort_as_ruff_sorts_them():
    names = ["FORMAT", "MLP", "Auto", "Rows", "load", "save"]
    assert all(_isort(a) < _isort(b) for a, b in pairwise(names))


def _inherits_its_docstring(file: str, method: str) -> bool:
    """Tell whether a method is one that its role, or torch, has documented: help() shows that."""
    module = importlib.import_module(".".join(["diabolo", *file.removesuffix(".py").split("/")]))
    return "." in method and bool(inspect.getdoc(attrgetter(method)(module)))


def _calls(file: File, *names: str) -> bool:
    return any(isinstance(node, ast.Call) and ast.unparse(node.func) in names for node in ast.walk(file.tree))


def _mutable(default: ast.expr) -> bool:
    made = isinstance(default, ast.Call) and ast.unparse(default.func) in {"list", "dict", "set"}
    return made or isinstance(default, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp)


def _isort(name: str) -> tuple[int, list[tuple[int, str]]]:
    """Constants, then classes, then the rest; numbers inside names count as numbers."""
    kind = 0 if name.isupper() and len(name) > 1 else 1 if name[0].isupper() else 2
    return kind, [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", name) if part]
