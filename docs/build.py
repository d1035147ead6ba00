"""Write a page per part, one of recipes, one of rankers into docs/parts: ``python docs/build.py``; then mkdocs builds.

mkdocs reads this file as well, as a hook, to put those pages into the navigation.
"""

from __future__ import annotations

import inspect
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diabolo.part import Part

PARTS_DIR = Path(__file__).parent / "parts"


def main() -> None:
    """Write every page anew."""
    from diabolo.codec import Fidelity  # noqa: F401  (its role, and those of the next lines, recipes do not import)
    from diabolo.coders import Coder  # noqa: F401
    from diabolo.part import PARTS
    from diabolo.rankers import RANKERS
    from diabolo.recipes import OF_VECTORS, RECIPES
    from diabolo.schedules import Schedule  # noqa: F401

    shutil.rmtree(PARTS_DIR, ignore_errors=True)
    roles = {role: table for role, table in PARTS.items() if role}
    for role, table in roles.items():
        for cls in table.values():
            _write(f"{role}/{cls.__name__.lower()}.md", part_page(cls))
    _write("index.md", index_page(roles))
    how = (
        'Give the name, as in `Reducer(8, recipe="vae")`, or change a recipe by its knobs. The last ones, from "top-k" '
        "on, are those of a `Dictionary`."
    )
    recipes = RECIPES | OF_VECTORS
    _write("recipes.md", named_page("recipes", how, [(row, row.recipe) for row in recipes.values()]))
    how = 'What a recommender learns with: give the name, as in `Recommender(model="ease")`, or a ranker with knobs.'
    _write("rankers.md", named_page("rankers", how, [(row, row.ranker) for row in RANKERS.values()]))
    print(f"{sum(map(len, roles.values()))} parts, {len(recipes)} recipes, {len(RANKERS)} rankers in {PARTS_DIR.name}/")


def on_config(config: Any) -> Any:
    """Put the written pages at the end of the navigation; mkdocs calls this."""
    roles = [
        {folder.name.capitalize(): [{_title(page): _address(page)} for page in sorted(folder.glob("*.md"))]}
        for folder in sorted(PARTS_DIR.iterdir())
        if folder.is_dir()
    ]
    named = [{f"Named {kind}": f"parts/{kind}.md"} for kind in ("recipes", "rankers")]
    config.nav.append({"Parts": [{"All parts": "parts/index.md"}, *named, *roles]})
    return config


def part_page(cls: type[Part]) -> str:
    """Return the page of a part: what it is, its equation, its knobs, its docstring's sections."""
    summary, _, rest = inspect.cleandoc(cls.__doc__ or "").partition("\n\n")
    lines = [f"# {cls.__name__}", "", summary, "", "```text", equation(cls()), "```", ""]
    lines += [f"`from {'.'.join(cls.__module__.split('.')[:2])} import {cls.__name__}`", ""]
    if cls.knobs():
        lines += ["| knob | default | allowed | what it does |", "|---|---|---|---|"]
        lines += [
            f"| `{k.name}` | `{_cell(repr(k.default))}` | {_cell(k.allowed)} | {_cell(k.doc)} |" for k in cls.knobs()
        ]
        lines += [""]
    return "\n".join([*lines, *_markdown(rest.splitlines())])


def equation(part: Any) -> str:
    """Return the formula of a part with its default knobs; every role has one."""
    return part.equation() if part.equation() != "0" else "rate = 0"


def index_page(roles: dict[str, dict[str, type[Part]]]) -> str:
    """Return the page that lists all parts by role."""
    named = "See also the named [recipes](recipes.md) and [rankers](rankers.md)."
    lines = ["# Parts", "", f"Each part with its default formula. {named}"]
    for role, table in roles.items():
        lines += ["", f"## {role.capitalize()}", "", "| part | formula | |", "|---|---|---|"]
        for name, cls in sorted(table.items()):
            summary = _cell(" ".join(inspect.cleandoc(cls.__doc__ or "").partition("\n\n")[0].split()))
            lines.append(f"| [{name}]({role}/{name.lower()}.md) | {_cell(equation(cls()))} | {summary} |")
    return "\n".join(lines)


def named_page(kind: str, how: str, rows: list[tuple[Any, Any]]) -> str:
    """Return the page of the named recipes or rankers: rows of a table, and the part that each names."""
    lines = [f"# Named {kind}", "", how]
    for row, part in rows:
        about = f"{row.about[0].upper()}{row.about[1:]}. {row.source}."
        lines += ["", f"## {row.name}", "", about, "", "```text", repr(part), part.equation(), "```"]
    return "\n".join(lines)


def _markdown(lines: list[str]) -> Iterator[str]:
    """Turn numpydoc into Markdown: underlined titles into headings, examples into code."""
    inside = False
    for line, after in zip(lines, [*lines, ""][1:], strict=True):
        if re.fullmatch(r"-{3,}", line):
            continue
        if line.startswith(">>> ") and not inside:
            inside = True
            yield "```python"
        if inside and not line:
            inside = after.startswith(">>> ")
            if not inside:
                yield "```"
        yield f"## {line}\n" if re.fullmatch(r"-{3,}", after) else line
    if inside:
        yield "```"


def _write(name: str, text: str) -> None:
    path = PARTS_DIR / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")


def _title(page: Path) -> str:
    return page.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")


def _address(page: Path) -> str:
    return page.relative_to(PARTS_DIR.parent).as_posix()


def _cell(text: object) -> str:
    return str(text).replace("|", "\\|").replace("\n", "<br>")


if __name__ == "__main__":
    main()
