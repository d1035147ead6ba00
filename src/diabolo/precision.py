"""What nets compute in, apart from the rest of a model, which stays in the precision of its weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

import torch

_CHOSEN: ContextVar[torch.dtype | None] = ContextVar("precision of nets", default=None)


@contextmanager
def nets_in(dtype: torch.dtype) -> Iterator[None]:
    """Let the nets of models compute in a shorter type for a while.

    Latents, likelihoods, penalties and corruptions do not: differences of large numbers, such as E[x²] − E[x]², and
    probabilities that are to sum to 1 need what the weights have.

    Examples
    --------
    >>> net, x = torch.nn.Linear(2, 2), torch.ones(1, 2)
    >>> with nets_in(torch.bfloat16), of_nets(x.device):
    ...     net(x).dtype
    torch.bfloat16
    """
    token = _CHOSEN.set(dtype)
    try:
        yield
    finally:
        _CHOSEN.reset(token)


def of_nets(device: torch.device) -> AbstractContextManager[object]:
    """Return the context in which a net on this device computes: see `nets_in`."""
    dtype = _CHOSEN.get()
    return nullcontext() if dtype is None else torch.autocast(device.type, dtype)
