"""Draws that a seed decides, and that leave the random state of the user as it was."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

import torch
from torch import Tensor, nn

_TURN = RLock()
"""Held while draws are decided by a seed: threads share the generators of torch, and take turns."""


def sow(seed: int, *devices: torch.device) -> None:
    """Seed the draws on the processor and on these devices, and on no other ones.

    `torch.manual_seed` seeds all cards, those too that somebody else draws on. It also notes three stack traces for
    kinds of cards that are not there, a third of a millisecond: of small data every tenth of the time of an epoch.

    Examples
    --------
    >>> sow(0)
    >>> first = torch.rand(2)
    >>> _ = torch.manual_seed(0)
    >>> torch.equal(first, torch.rand(2))
    True
    """
    torch.default_generator.manual_seed(int(seed))
    for card in _cards(devices):
        _set_state(card, torch.Generator(card).manual_seed(int(seed)).get_state())


@contextmanager
def seeded(seed: int, *devices: torch.device) -> Iterator[None]:
    """Decide draws on the processor and on these devices by a seed; afterwards their random states are as before.

    Other threads that want the same wait meanwhile, as they would take draws from each other.

    Parameters
    ----------
    seed : int
        The same one gives the same draws on the same machine.
    *devices : torch.device
        Where is drawn besides on the processor. The random states of others are never touched.

    Examples
    --------
    >>> before = torch.get_rng_state()
    >>> with seeded(0):
    ...     first = torch.rand(2)
    >>> torch.equal(before, torch.get_rng_state())
    True
    >>> with seeded(0):
    ...     torch.equal(first, torch.rand(2))
    True
    """
    with _TURN:
        before = torch.get_rng_state()
        cards = [(card, _state(card)) for card in _cards(devices)]
        try:
            sow(seed, *devices)
            yield
        finally:
            torch.set_rng_state(before)
            for card, state in cards:
                _set_state(card, state)


def places(model: nn.Module) -> set[torch.device]:
    """Return the devices that a model lies on.

    Examples
    --------
    >>> places(nn.Linear(2, 2))
    {device(type='cpu')}
    """
    return {weight.device for weight in model.parameters()}


def _cards(devices: tuple[torch.device, ...]) -> list[torch.device]:
    return [device for device in dict.fromkeys(devices) if device.type != "cpu"]


def _state(card: torch.device) -> Tensor:
    return torch.get_device_module(card).get_rng_state(*_named(card))


def _set_state(card: torch.device, state: Tensor) -> None:
    torch.get_device_module(card).set_rng_state(state, *_named(card))


def _named(card: torch.device) -> tuple[torch.device, ...]:
    return () if card.type == "mps" else (card,)  # of which there is but one
