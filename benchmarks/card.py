"""The device that is measured on: its rates in bfloat16 matrix products and in copies, and how to wait for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import torch

from benchmarks.machine import name


@dataclass(frozen=True)
class Card:
    """What was measured.

    Parameters
    ----------
    device : torch.device
        Which.
    matmul : float
        FLOP/s of large matrix products in bfloat16.
    copy : float
        Bytes per second, read and written, of a copy within its memory.
    upload : float
        Bytes per second from pinned memory of the host.
    """

    device: torch.device
    matmul: float
    copy: float
    upload: float

    @classmethod
    def measure(cls, device: torch.device, size: int, megabytes: int) -> Card:
        """Measure with square matrices of this size and copies of so many megabytes."""
        a, b = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
        near = torch.empty(megabytes * 2**20, dtype=torch.uint8, device=device)
        there, far = torch.empty_like(near), torch.empty_like(near, device="cpu")
        far = far.pin_memory() if device.type == "cuda" else far
        return cls(
            device,
            2 * size**3 / best(lambda: a @ b, device),
            2 * near.nbytes / best(lambda: there.copy_(near), device),
            near.nbytes / best(lambda: near.copy_(far, non_blocking=True), device),
        )

    def line(self) -> str:
        """Return its name and its rates."""
        called = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else name()
        return (
            f"{called}: {self.matmul / 1e12:.4g} TFLOP/s in bfloat16 matrix products, {self.copy / 1e9:.4g} GB/s in "
            f"copies within its memory (read and written), {self.upload / 1e9:.4g} GB/s from the host."
        )


def best(work: Callable[[], object], device: torch.device, times: int = 10, spells: int = 5) -> float:
    """Return the seconds that `work` takes, in the best of a few spells of several calls."""
    seconds = []
    for _ in range(spells + 1):  # the first one warms up
        wait(device)
        started = perf_counter()
        for _ in range(times):
            work()
        wait(device)
        seconds.append((perf_counter() - started) / times)
    return min(seconds[1:])


def wait(device: torch.device) -> None:
    """Return when the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
