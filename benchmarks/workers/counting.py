"""What a worker spends: floating point operations of torch, and resident memory."""

from __future__ import annotations

import re
import resource
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def flop(loss: Callable[[], Tensor], samples: int) -> float:
    """Return the operations per sample of a loss and its gradient: matrix products and convolutions, 2 per product."""
    plain = torch.backends.mkldnn.flags(enabled=False)  # a recurrent net in one operation would not be counted
    with plain, FlopCounterMode(display=False) as counter:
        loss().backward()
    return counter.get_total_flops() / samples


def resident() -> float:
    """Return the memory that this process holds, in MB."""
    return _status("VmRSS")


def peak() -> float:
    """Return the most that it has held since the last `forget`, in MB."""
    try:
        return _status("VmHWM")
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def forget() -> None:
    """Start to look for the peak anew, where the system can."""
    try:
        CLEAR.write_text("5")
    except OSError:
        return


def _status(name: str) -> float:
    found = re.search(rf"^{name}:\s+(\d+) kB$", STATUS.read_text(), re.MULTILINE)
    if found is None:
        raise OSError(f"{STATUS} has no {name}; run on Linux.")
    return int(found[1]) * 1024 / 1e6
