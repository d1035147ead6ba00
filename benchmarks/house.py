"""Is the house in order? Lengths, annotations, docstrings, layers and repetition: ``python -m benchmarks.house``.

The same measures are held to their limits by ``tests/test_house.py``.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

PACKAGE = Path(__file__).resolve().parents[1] / "src" / "diabolo"

FLOORS = {
    **dict.fromkeys(("errors", "check", "part", "text", "flow", "files"), 0),
    **dict.fromkeys(("colour", "sparse", "selection", "seeding", "outline", "neighbours", "posing", "precision"), 0),
    **dict.fromkeys(
        ("nets", "corruptions", "latents", "likelihoods", "penalties", "pretrainings", "priors", "schedules"), 1
    ),
    **dict.fromkeys(
        ("model", "conditioning", "generation", "members", "several", "shallow", "density", "nearness", "recipes"), 2
    ),
    **dict.fromkeys(("training", "expost", "data", "metrics", "rankers", "codec", "coders", "exchange", "report"), 3),
    "estimators": 4,
    "export": 5,
    **dict.fromkeys(("cli", "server"), 6),
    "__init__": 7,  # the public face may name every room
}
"""Room → floor. Imports go down, or stay on their floor."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Documented = Function | ast.ClassDef | ast.Module


@dataclass(frozen=True)
class File:
    """One source file."""

    name: str
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text, self.name)

    @property
    def room(self) -> str:
        """The folder or file of the package that this file is or lies in."""
        return self.name.split("/")[0].removesuffix(".py")

    @property
    def lines(self) -> int:
        """All lines, blank ones too."""
        return len(self.text.splitlines())

    @cached_property
    def functions(self) -> list[Function]:
        """Functions and methods, nested ones too."""
        return [node for node in ast.walk(self.tree) if isinstance(node, Function)]


def files(package: Path = PACKAGE) -> list[File]:
    """Return the source files of a package, by name."""
    return [File(p.relative_to(package).as_posix(), p.read_text("utf-8")) for p in sorted(package.rglob("*.py"))]


def length(function: Function) -> int:
    """Return the lines of a function from `def` to its end, without its docstring."""
    return (function.end_lineno or function.lineno) - function.lineno + 1 - len(_docstring_lines(function))


def parameters(file: File) -> Iterator[tuple[str, bool]]:
    """Yield each parameter but self and cls as "function.parameter", and whether it is annotated."""
    methods = {id(f) for c in ast.walk(file.tree) if isinstance(c, ast.ClassDef) for f in c.body}
    for function in file.functions:
        args = function.args
        every = [*args.posonlyargs, *args.args, *args.kwonlyargs, *filter(None, (args.vararg, args.kwarg))]
        bound = id(function) in methods and not _decorated(function, "staticmethod")
        for arg in every[1:] if bound else every:
            yield f"{function.name}.{arg.arg}", arg.annotation is not None


def public(file: File) -> Iterator[tuple[str, bool]]:
    """Yield the name of each public class, function and method, and whether it has a docstring.

    Excused are `forward`, which its class describes, and bare signatures (`...`) of protocols.
    """
    yield from _public(file.tree, "")


def rising(file: File) -> Iterator[tuple[int, str]]:
    """Yield line and room of each import that goes up a floor, wherever in the file it stands."""
    for node in ast.walk(file.tree):
        for room in _imported(node, file):
            if FLOORS[room] > FLOORS[file.room]:
                yield getattr(node, "lineno", 0), room


def repeated(every: Iterable[File], run: int = 5) -> dict[str, set[int]]:
    """Return, per file, the lines inside runs of at least `run` equal code lines that another file has too."""
    places: dict[tuple[str, ...], list[tuple[str, list[int]]]] = defaultdict(list)
    for file in every:
        code = code_lines(file)
        for start in range(len(code) - run + 1):
            window = code[start : start + run]
            places[tuple(text for _, text in window)].append((file.name, [number for number, _ in window]))
    found: dict[str, set[int]] = defaultdict(set)
    for seen in places.values():
        if len({name for name, _ in seen}) > 1:
            for name, numbers in seen:
                found[name].update(numbers)
    return found


def code_lines(file: File) -> list[tuple[int, str]]:
    """Return number and stripped text of each line that is neither blank nor comment nor docstring."""
    silent = {line for node in ast.walk(file.tree) if isinstance(node, Documented) for line in _docstring_lines(node)}
    lines = ((number, line.strip()) for number, line in enumerate(file.text.splitlines(), 1))
    return [(number, text) for number, text in lines if text and text[0] != "#" and number not in silent]


def main() -> None:
    """Print the measures per room and in total."""
    every = files()
    copied = repeated(every)
    rooms = sorted({file.room for file in every}, key=lambda room: (FLOORS.get(room, -1), room))
    shares = "".join(f"{name:>7}" for name in ("ann %", "doc %", "rise", "rep %"))
    print(f"{'':14}{'lines':>7} {'files':>6} {'per file':>13} {'per function':>13}{shares}")
    print(f"{'':28} {'p50/p95/max':>13} {'p50/p95/max':>13}")
    for room in rooms:
        print(f"{room:14}" + _row([file for file in every if file.room == room], copied))
    print(f"{'total':14}" + _row(every, copied))


def _row(some: list[File], copied: dict[str, set[int]]) -> str:
    lengths = [length(function) for file in some for function in file.functions]
    lines = sum(len(code_lines(file)) for file in some)
    up = sum(1 for file in some for _ in rising(file))
    annotated = _share(done for file in some for _, done in parameters(file))
    documented = _share(done for file in some for _, done in public(file))
    again = 100 * sum(len(copied[file.name]) for file in some) / max(lines, 1)
    each, total = [file.lines for file in some], sum(file.lines for file in some)
    return (
        f"{total:7} {len(some):6} {_quantiles(each):>13} {_quantiles(lengths):>13} "
        f"{annotated:6.1f} {documented:6.1f} {up:6} {again:6.1f}"
    )


def _quantiles(values: list[int]) -> str:
    return "/".join(f"{q:.0f}" for q in np.quantile(values, (0.5, 0.95, 1))) if values else "-"


def _share(done: Iterable[bool]) -> float:
    marks = list(done)
    return 100 * sum(marks) / max(len(marks), 1) if marks else 100.0


def _docstring_lines(node: Documented) -> range:
    first = node.body[0] if node.body else None
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        return range(first.lineno, (first.end_lineno or first.lineno) + 1)
    return range(0)


def _public(owner: ast.Module | ast.ClassDef, prefix: str) -> Iterator[tuple[str, bool]]:
    for node in owner.body:
        if not isinstance(node, Function | ast.ClassDef) or node.name.startswith("_") or node.name == "forward":
            continue
        if isinstance(node, ast.ClassDef):
            yield from _public(node, f"{prefix}{node.name}.")
        elif ast.unparse(node.body[-1]) == "..." and len(node.body) == 1:
            continue
        yield f"{prefix}{node.name}", ast.get_docstring(node) is not None


def _imported(node: ast.AST, file: File) -> Iterator[str]:
    """Yield the rooms of the package that an import names."""
    names: list[str] = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        here = ["diabolo", *file.name.split("/")][: -node.level] if node.level else []
        base = ".".join([*here, *([node.module] if node.module else [])])
        names = [f"{base}.{alias.name}" for alias in node.names]
    for name in names:
        package, _, rest = name.partition(".")
        room = rest.split(".")[0]
        if package == "diabolo" and not room.startswith("__"):
            yield room if room in FLOORS else "__init__"


def _decorated(function: Function, name: str) -> bool:
    return any(isinstance(d, ast.Name) and d.id == name for d in function.decorator_list)


if __name__ == "__main__":
    main()
