"""How a command answers: in words or in JSON, and errors in one line."""

from __future__ import annotations

import json
import logging
import math
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import typer

from diabolo.errors import DiaboloError

Facts = dict[str, Any] | list[dict[str, Any]]


@dataclass(frozen=True)
class Answer:
    """What a command found out."""

    facts: Facts
    as_json: bool

    def give(self, done: str = "", aside: bool = False) -> None:
        """Write the facts to standard output, or `aside` to standard error, and what was done."""
        if self.as_json:
            typer.echo(json.dumps(_finite(self.facts), ensure_ascii=False, allow_nan=False, default=str), err=aside)
            return
        for row in [self.facts] if isinstance(self.facts, dict) else self.facts:
            typer.echo("\n".join(_lines(row)) + ("" if isinstance(self.facts, dict) else "\n"), err=aside)
        if done:
            typer.echo(done, err=aside)


@contextmanager
def failing(as_json: bool, aside: bool = False) -> Iterator[None]:
    """Turn an error of diabolo into one line and exit code 1, and warnings into lines on standard error.

    As JSON it goes to standard output, or `aside` to standard error.
    """
    logging.getLogger("tifffile").setLevel(
        logging.CRITICAL
    )  # what it says of a broken file, the error says in one line
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        except DiaboloError as error:
            _fail(type(error).__name__, str(error), as_json, aside)
        except KeyboardInterrupt:
            typer.echo("interrupted", err=True)
            sys.exit(130)
        except OSError as error:
            _fail(type(error).__name__, f"{error.filename or 'a pipe'}: {error.strerror or error}", as_json, aside)
        finally:
            for message in dict.fromkeys(str(warning.message) for warning in caught):  # once, if of each picture
                typer.echo(f"warning: {message}", err=True)


def left_out(failed: dict[str, str], as_json: bool) -> None:
    """Name what failed beside what succeeded, and leave with exit code 1 if there is any; JSON has named it already."""
    for name, message in failed.items():
        if not as_json:
            typer.echo(f"error: {name}: {message}", err=True)
    if failed:
        sys.exit(1)


def _fail(kind: str, message: str, as_json: bool, aside: bool) -> None:
    line = " ".join(message.split())
    if as_json:
        typer.echo(json.dumps({"error": {"type": kind, "message": line}}, ensure_ascii=False), err=aside)
    else:
        typer.echo(f"error: {line}", err=True)
    sys.exit(1)


def _lines(row: dict[str, Any]) -> Iterator[str]:
    width = max(len(name) for name in row)
    for name, value in row.items():
        text = f"{value:.6g}" if isinstance(value, float) else str(value)
        first, *rest = text.splitlines() or [""]
        yield f"{name:<{width}}  {first}"
        yield from (f"{'':<{width}}  {line}" for line in rest)


def _finite(value: Any) -> Any:
    """Return facts with null for what JSON has no number for."""
    if isinstance(value, dict):
        return {name: _finite(own) for name, own in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(own) for own in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
