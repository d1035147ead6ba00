"""Text that every Python has: the language reference behind ``help()``, and docstrings of pinned packages.

A document is a topic of that reference, or a file of a package; nothing is imported to read it. Of a docstring stand
the paragraphs that are prose: eight words or more, mostly letters, no examples and no tables. A paragraph that occurs
twice counts once, in the document where it came first, so that no test text was trained on.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

PACKAGES = ("numpy", "scipy", "sklearn")
"""In this order, after the language reference; each file of theirs is a document."""
_WORDS, _LETTERS, _TITLE = 8, 0.75, 500
_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")


def documents() -> list[list[str]]:
    """Return the paragraphs of every document that has any."""
    seen: set[str] = set()
    found = []
    for text in _texts():
        new = [paragraph for paragraph in dict.fromkeys(_prose(text)) if paragraph not in seen]
        seen.update(new)
        found += [new] if new else []
    return found


def sentences(paragraphs: Sequence[str]) -> list[str]:
    """Return the sentences of paragraphs, without those of less than eight words."""
    parts = (part for paragraph in paragraphs for part in _SENTENCE.split(paragraph))
    return [part for part in parts if len(part.split()) >= _WORDS]


def _prose(text: str) -> Iterator[str]:
    for block in re.split(r"\n\s*\n", text):
        paragraph = " ".join(block.split())
        letters = sum(c.isalpha() or c == " " for c in paragraph)
        if ">>>" in block or "----" in block or "====" in block or len(paragraph.split()) < _WORDS:
            continue
        if letters >= _LETTERS * len(paragraph) and paragraph[0].isupper() and paragraph[-1] in ".:!?":
            yield paragraph


def _texts() -> Iterator[str]:
    topics = ast.parse(Path(_place("pydoc_data"), "topics.py").read_text("utf-8"))
    strings = (node.value for node in ast.walk(topics) if isinstance(node, ast.Constant))
    yield from (text for text in strings if isinstance(text, str) and len(text) > _TITLE)
    for package in PACKAGES:
        for path in sorted(_place(package).rglob("*.py")):
            if "tests" not in path.parts:
                yield "\n\n".join(_docstrings(path))


def _docstrings(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield ast.get_docstring(node) or ""


def _place(package: str) -> Path:
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"There is no package {package!r}.")
    return Path(spec.origin).parent
