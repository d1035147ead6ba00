"""A part: a frozen value that holds hyperparameters and no weights.

Parts compare, hash, print, travel as JSON, and nest like scikit-learn estimators. A hyperparameter is a *knob*:
declared and documented once, and the same declaration gives ``get_params``, the JSON file, the command line and the
docs.

A class made with ``role=`` is abstract and opens a role (nets, latents, ...); every other part is final and enters the
closed table `PARTS` under its role when its file is read. Names in files and on the command line resolve in that table
and nowhere else: nothing is ever imported because a file says so.
"""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
import sys
from abc import ABC
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypeVar, cast

from diabolo.check import Allowed, demand, shorten, unknown
from diabolo.errors import FileError, ParameterError

T = TypeVar("T")

PARTS: dict[str, dict[str, type[Part]]] = {}
"""The closed table: role → name → class."""


def knob(default: T, allowed: Allowed, doc: str) -> T:
    """Declare a hyperparameter of a part: its default, what is allowed, what it does."""
    return cast(T, dataclasses.field(default=default, metadata={"allowed": allowed, "doc": doc}))


@dataclass(frozen=True)
class Knob:
    """A declared hyperparameter, as the command line, the docs and the web read it."""

    name: str
    default: Any
    allowed: Allowed
    doc: str


class Part(ABC):  # noqa: B024  (its roles are what is abstract)
    """A frozen value made of knobs, printed with those that are not at their default.

    Calling a part gives a revised copy: ``part(beta=4.0)``.
    """

    role: ClassVar[str] = ""

    def __init_subclass__(cls, role: str | None = None, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if role is not None:
            cls.role = role
            PARTS.setdefault(role, {})
            return
        if not any("role" in vars(base) for base in cls.__bases__):
            raise TypeError(
                f"{cls.__bases__[0].__name__} is final: wrap it instead of subclassing it as {cls.__name__}."
            )
        cls.__repr__ = Part.__repr__  # set before the dataclass would write its own, which leaves it then
        _enter(cls)

    def __repr__(self) -> str:
        changed = [k.name for k in self.knobs() if getattr(self, k.name) != k.default]
        return f"{type(self).__name__}({', '.join(f'{name}={getattr(self, name)!r}' for name in changed)})"

    def __call__(self, **changes: Any) -> Self:
        """Return a copy with some knobs changed; see `revise`."""
        return self.revise(**changes)

    def __sklearn_clone__(self) -> Self:
        return self  # frozen: sharing is safe

    @classmethod
    def knobs(cls) -> tuple[Knob, ...]:
        """Return the declared hyperparameters, in order."""
        return tuple(
            Knob(f.name, f.default, f.metadata["allowed"], f.metadata["doc"])
            for f in dataclasses.fields(cast(Any, cls))
        )

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the knobs and, if `deep`, those of the parts inside as ``outer__inner``, as scikit-learn does.

        Parts in a tuple go by their place: ``penalties__0__weight``.
        """
        params = {k.name: getattr(self, k.name) for k in self.knobs()}
        if deep:
            inner = [(name, part.get_params()) for name, value in params.items() for name, part in _placed(name, value)]
            params |= {f"{name}__{key}": value for name, got in inner for key, value in got.items()}
        return params

    def revise(self, **changes: Any) -> Self:
        """Return a copy with some knobs changed; keys are paths, ``latent__beta`` or ``penalties.0.weight``.

        Raises
        ------
        ParameterError
            If a path leads nowhere. Values are checked later, by `check`.
        """
        result = self
        paths = {key.replace(".", "__"): value for key, value in changes.items()}
        for path in sorted(paths, key=lambda p: (p.count("__"), p)):  # shallow first: 'latent' before 'latent__beta'
            result = _revised(result, path, paths[path])
        return result

    def check(self) -> None:
        """Raise unless every knob, here and in the parts inside, is allowed.

        Raises
        ------
        ParameterError
            For the first knob outside what is allowed.
        """
        for k in self.knobs():
            value = getattr(self, k.name)
            demand(k.name, type(self).__name__, value, k.allowed)
            for part in _inside(value):
                part.check()

    def to_json(self) -> dict[str, Any]:
        """Return the part as plain JSON values, with its name under "part"."""
        return {"part": _key(type(self))} | {k.name: _plain(getattr(self, k.name)) for k in self.knobs()}


@dataclass(frozen=True)
class Some:
    """Allowed: any part of one `role`."""

    role: str

    def __contains__(self, value: object) -> bool:
        return isinstance(value, Part) and value.role == self.role

    def __str__(self) -> str:
        return f"one of the {self.role} ({', '.join(sorted(PARTS.get(self.role, ())))})"


def from_json(plain: object) -> Part:
    """Build the part that `Part.to_json` described, checked.

    Raises
    ------
    FileError
        If a name is not in the table of parts, a knob is unknown, or the value is no description of a part.
    ParameterError
        If a knob is outside what is allowed.
    """
    try:
        part = _built(plain)
        part.check()
    except RecursionError as error:
        raise FileError("The description of a part is nested too deeply; the file was edited or is foreign.") from error
    return part


def discover(package: str, path: Iterable[str]) -> None:
    """Import every file of a room, so that a part dropped into it enters the table, and can be imported, by itself."""
    for found in pkgutil.iter_modules(path):
        importlib.import_module(f"{package}.{found.name}")
    room = sys.modules[package]
    for parts in PARTS.values():
        for name, cls in parts.items():
            if cls.__module__.startswith(f"{package}."):
                setattr(room, name, cls)


def _enter(cls: type[Part]) -> None:
    table = PARTS.setdefault(cls.role, {})
    known = table.get(cls.__name__)
    if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
        raise TypeError(f"There is already a part {_key(cls)}, from {known.__module__}; choose another name.")
    table[cls.__name__] = cls


def _key(cls: type[Part]) -> str:
    return f"{cls.role}.{cls.__name__}" if cls.role else cls.__name__


def _inside(value: object) -> Iterator[Part]:
    for item in value if isinstance(value, tuple) else (value,):
        if isinstance(item, Part):
            yield item
        elif isinstance(item, tuple):
            yield from _inside(item)


def _placed(name: str, value: Any) -> list[tuple[str, Part]]:
    """Return the parts in the value of a knob, each with its path."""
    if isinstance(value, tuple):
        return [(f"{name}__{i}", item) for i, item in enumerate(value) if isinstance(item, Part)]
    return [(name, value)] if isinstance(value, Part) else []


def _revised(part: Any, path: str, value: Any) -> Any:
    name, _, rest = path.partition("__")
    names = [k.name for k in part.knobs()]
    owner = type(part).__name__
    if name not in names:
        raise ParameterError(f"{owner} has no such parameter: {unknown('parameter', name, names)}")
    if not rest:
        return dataclasses.replace(part, **{name: value})
    inner = getattr(part, name)
    place, _, beyond = rest.partition("__")
    if isinstance(inner, tuple) and place.isdecimal() and int(place) < len(inner) and isinstance(inner[0], Part):
        revised = _revised(inner[int(place)], beyond, value) if beyond else value
        return dataclasses.replace(part, **{name: (*inner[: int(place)], revised, *inner[int(place) + 1 :])})
    if not isinstance(inner, Part):
        raise ParameterError(
            f"Parameter {name!r} of {owner} is {shorten(inner)}, which has no {rest!r}; set {name!r} first."
        )
    return dataclasses.replace(part, **{name: _revised(inner, rest, value)})


def _plain(value: Any) -> Any:
    if isinstance(value, Part):
        return value.to_json()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.item() if hasattr(value, "item") else value  # numpy scalars from a parameter grid


def _built(plain: object) -> Part:
    if not isinstance(plain, Mapping) or not isinstance(plain.get("part"), str):
        raise FileError(f"Expected the description of a part, got {shorten(plain)}; the file was edited or is foreign.")
    knobs = {str(k): v for k, v in plain.items() if k != "part"}
    cls = _looked_up(plain["part"])
    names = [k.name for k in cls.knobs()]
    for name in knobs:
        if name not in names:
            raise FileError(f"Part {plain['part']} in the file: {unknown('parameter', name, names)}")
    return cls(**{name: _rebuilt(value) for name, value in knobs.items()})


def _looked_up(key: str) -> type[Part]:
    table = {_key(cls): cls for role in PARTS.values() for cls in role.values()}
    if key not in table:
        told = unknown("part", key, table)
        raise FileError(f"The file names an {told} If it is a part of your own, import the file that defines it first.")
    return table[key]


def _rebuilt(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _built(value)
    return tuple(_rebuilt(item) for item in value) if isinstance(value, list) else value
