"""All or nothing: a fit that fails leaves an estimator as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
Owner = TypeVar("Owner")


@contextmanager
def unchanged_on_failure(*owners: object) -> Iterator[None]:
    """Give objects back the attributes that they had, if what is done to them raises.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> owner = SimpleNamespace(size=1)
    >>> try:
    ...     with unchanged_on_failure(owner):
    ...         owner.size, owner.name = 2, "new"
    ...         raise ValueError
    ... except ValueError:
    ...     print(owner)
    namespace(size=1)
    """
    before = [vars(owner).copy() for owner in owners]
    try:
        yield
    except BaseException:
        for owner, known in zip(owners, before, strict=True):
            vars(owner).clear()
            vars(owner).update(known)
        raise


def all_or_nothing(method: Callable[Concatenate[Owner, P], R]) -> Callable[Concatenate[Owner, P], R]:
    """Make a method one that changes its owner as a whole or, after an error, not at all."""

    @wraps(method)
    def whole(self: Owner, *args: P.args, **kwargs: P.kwargs) -> R:
        with unchanged_on_failure(self):
            return method(self, *args, **kwargs)

    return whole
