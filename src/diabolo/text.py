"""Reading parts from text: as they print, and as a command line sets their knobs.

Only names of the closed table of parts and literals are understood; nothing is evaluated.
"""

from __future__ import annotations

import ast
from typing import Any, TypeVar, cast

from diabolo.check import Allowed, Flag, Many, Maybe, shorten, unknown
from diabolo.errors import ParameterError
from diabolo.part import PARTS, Part, Some

P = TypeVar("P", bound=Part)


_WORDS: dict[str, bool | None] = {"true": True, "false": False, "none": None}
"""Literals, as people write them on command lines."""


def parse(text: str, role: str) -> Part:
    """Read a part as it prints: ``"TopK(k=4)"``, ``"TopK(4)"`` or ``"TopK"``.

    Raises
    ------
    ParameterError
        If the text is not a part of this role.

    Examples
    --------
    >>> from diabolo.latents import TopK
    >>> parse("TopK(4)", "latents")
    TopK(k=4)
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        part = _read(tree, role)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        if isinstance(error, ParameterError):
            raise
        example = next(iter(sorted(PARTS[role])), "Name")
        raise ParameterError(
            f"Cannot read {shorten(text)} as one of the {role or 'recipes'}; write it as {example}(knob=value)."
        ) from error
    part.check()
    return part


def revise_from_text(part: P, path: str, text: str) -> P:
    """Return `part` with the knob at `path` set to what `text` says, as on a command line.

    Raises
    ------
    ParameterError
        If there is no such knob, or the text cannot be read as what the knob allows.

    Examples
    --------
    >>> from diabolo.latents import Gaussian
    >>> revise_from_text(Gaussian(), "beta", "4")
    Gaussian(beta=4)
    """
    names = path.replace("__", ".").split(".")
    owner: Part = part
    for i, name in enumerate(names[:-1]):
        inner = getattr(owner, name, None)
        if not isinstance(inner, Part):
            owner.revise(**{"__".join(names[i:]): None})  # says what is wrong
        owner = cast(Part, inner)
    allowed = {k.name: k.allowed for k in owner.knobs()}.get(names[-1])
    value = text if allowed is None else _from_text(text, allowed)
    revised = part.revise(**{path: value})
    revised.check()
    return revised


def value_from_text(text: str, role: str | None = None) -> Any:
    """Return what a parameter of a job is set to on a command line: a literal, a part of `role` or parts, or a word.

    Raises
    ------
    ParameterError
        If a part is unknown, or a knob of it is not what is allowed.

    Examples
    --------
    >>> import diabolo.priors
    >>> value_from_text("0.1"), value_from_text("auto"), value_from_text("Mixture(20)", "priors")
    (0.1, 'auto', Mixture(components=20))
    >>> value_from_text("True"), value_from_text("true"), value_from_text("none")
    (True, True, None)
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        if isinstance(tree, ast.Name) and tree.id.lower() not in _WORDS and tree.id not in PARTS.get(role or "", {}):
            return float(text)  # inf, or no number
        value = _value(tree, Flag() if role is None else Some(role))
    except ParameterError:
        raise
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text  # left to the job, which says what is allowed
    for part in value if isinstance(value, tuple) else (value,):
        if isinstance(part, Part):
            part.check()
    return value


def _read(node: ast.expr, role: str) -> Part:
    name, args, keywords = (node.func, node.args, node.keywords) if isinstance(node, ast.Call) else (node, [], [])
    if not isinstance(name, ast.Name):
        raise ValueError("no name of a part")
    if name.id not in PARTS[role]:
        kind = f"part among the {role or 'recipes'}"
        raise ParameterError(f"Cannot read {name.id!r}: {unknown(kind, name.id, PARTS[role])}")
    cls = PARTS[role][name.id]
    knobs = {k.name: k.allowed for k in cls.knobs()}
    given = dict(zip(knobs, args, strict=False)) | {k.arg: k.value for k in keywords if k.arg}
    if len(args) > len(knobs):
        raise ParameterError(f"{name.id} takes at most {len(knobs)} parameters ({', '.join(knobs)}); got {len(args)}.")
    for key in given:
        if key not in knobs:
            raise ParameterError(f"{name.id}: {unknown('parameter', key, knobs)}")
    return cls(**{key: _value(value, knobs[key]) for key, value in given.items()})


def _from_text(text: str, allowed: Allowed) -> Any:
    if text in allowed:  # a bare word where strings are allowed
        return text
    try:
        return _value(ast.parse(text.strip(), mode="eval").body, allowed)
    except ParameterError:
        raise
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text  # left to the check, which says what is allowed


def _value(node: ast.expr, allowed: Allowed) -> Any:
    while isinstance(allowed, Maybe):
        allowed = allowed.allowed
    if isinstance(allowed, Some) and isinstance(node, ast.Name | ast.Call):
        return _read(node, allowed.role)
    if isinstance(node, ast.Tuple | ast.List):
        item = allowed.allowed if isinstance(allowed, Many) else allowed
        return tuple(_value(element, item) for element in node.elts)
    if isinstance(node, ast.Name) and node.id.lower() in _WORDS:
        return _WORDS[node.id.lower()]
    return ast.literal_eval(node)
