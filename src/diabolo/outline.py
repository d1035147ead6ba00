"""Modules as an outline: their weights have shapes and no numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from diabolo.flow import Shape

_DRAWS = frozenset({Tensor.normal_, Tensor.uniform_})
"""What fills weights at random: without numbers there is nothing to do, yet torch would import its compiler for it."""

_DRAWN = frozenset({torch.randn, torch.rand})
"""What makes such weights."""


@contextmanager
def outline() -> Iterator[None]:
    """Build modules of shapes alone: no memory, no random numbers, and no time, however large they are.

    Examples
    --------
    >>> with outline():
    ...     layer = torch.nn.Linear(10**6, 10**6)
    >>> layer.weight.is_meta, tuple(layer.weight.shape)
    (True, (1000000, 1000000))
    """
    with torch.device("meta"), _Undrawn():
        yield


class _Undrawn(TorchFunctionMode):
    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in _DRAWS:
            return args[0]
        said = dict(kwargs or {})
        if func in _DRAWN:
            said.pop("generator", None)
            return torch.empty(*args, **said)
        return func(*args, **said)


def computed(make: Callable[[Tensor], Tensor], x: Tensor, shape: Shape) -> Tensor:
    """Return ``make(x)``, which has this shape; in an outline the shape is all there is of it.

    To compute with what has no numbers would import torch's compiler, which takes a second.

    Examples
    --------
    >>> computed(torch.square, torch.ones(2), (2,))
    tensor([1., 1.])
    """
    return x.new_empty(shape) if x.is_meta else make(x)
