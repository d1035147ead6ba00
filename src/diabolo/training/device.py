"""Where the arithmetic happens, and at what precision."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import nn

from diabolo.check import shorten
from diabolo.errors import ParameterError
from diabolo.precision import nets_in


def resolve(device: str) -> torch.device:
    """Return the device of this name; "auto" is the best one here.

    Raises
    ------
    ParameterError
        If there is no such device on this machine.

    Examples
    --------
    >>> resolve("cpu")
    device(type='cpu')
    """
    if not isinstance(device, str):
        raise ParameterError(f"Parameter 'device' must be text, such as 'auto' or 'cuda:1'; got {shorten(device)}.")
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        found = torch.device(device)
        torch.empty(0, device=found)
    except (RuntimeError, AssertionError, TypeError, NotImplementedError) as error:
        raise ParameterError(
            f"Parameter 'device' must be 'auto', 'cpu' or a device of this machine; got {device!r}, which torch cannot "
            "use here; choose 'auto'."
        ) from error
    return found


def arithmetic(precision: str, device: torch.device, nets_alone: bool = False) -> AbstractContextManager[object]:
    """Return the context in which a model computes: float32, or bfloat16 where asked or where CUDA has it.

    The latter is for the nets alone where the model can tell them from the rest.
    """
    fast = device.type == "cuda" and torch.cuda.is_bf16_supported()
    if precision == "bfloat16" or (precision == "auto" and fast):
        return nets_in(torch.bfloat16) if nets_alone else torch.autocast(device.type, torch.bfloat16)
    return nullcontext()


def brief(device: torch.device) -> str:
    """Return the precision in which large products are fastest: bfloat16 where the processor has instructions for it.

    Examples
    --------
    >>> brief(torch.device("cpu")) in ("auto", "bfloat16")
    True
    """
    native = getattr(torch.cpu, "_is_avx512_bf16_supported", None)
    return "bfloat16" if device.type == "cpu" and native is not None and native() else "auto"


def worth_rounding(model: nn.Module, batch_size: int) -> bool:
    """Tell whether dense stacks of this size are faster in bfloat16: rounding the weights takes time as well.

    Examples
    --------
    >>> worth_rounding(nn.Linear(2, 2), 1000)
    False
    """
    weight = next(model.parameters())
    able = weight.dtype == torch.float32 and brief(weight.device) == "bfloat16"
    return able and _work(model, batch_size) >= _WORTH_ROUNDING


_WORTH_SHARING = 1e8
"""Floating point operations of a step below which a second thread costs more than it brings."""

_WORTH_ROUNDING = 4e8
"""Those from which on bfloat16 is faster: 1.2 to 1.4 times by these, 1.6 to 1.7 by 10⁹, on one thread and on two."""


_KEPT = 2**25 - 2**16
"""Bytes, just below the 32 MiB up to which the C library of Linux learns from what is freed."""


def keep_memory() -> None:
    """Let the C library keep freed memory for the next step.

    By default glibc gives memory above its last block in use back to the system, and a step's buffers then come anew
    page by page, which took a sixth of the step of a small net. It keeps twice the largest block that was ever freed.
    """
    torch.empty(_KEPT, dtype=torch.uint8)  # never touched: it costs address space only


def _work(model: nn.Module, batch_size: int) -> float:
    """Return about how many floating point operations a step takes."""
    return 6 * batch_size * _products(model)


def _products(model: nn.Module) -> int:
    """Return about how many products a sample takes: kernels are used at some 64 places, cells at every point."""
    recurrent = [p for module in model.modules() if isinstance(module, nn.RNNBase) for p in module.parameters()]
    steps = getattr(model, "shape", (1,))[0] if recurrent else 1
    cells = sum(p.numel() for p in recurrent)
    return cells * (steps - 1) + sum(p.numel() * (1 if p.ndim <= 2 else 64) for p in model.parameters())


@contextmanager
def threads(model: nn.Module, batch_size: int) -> Iterator[None]:
    """Compute small steps with one thread: sharing them takes longer than doing them.

    Examples
    --------
    >>> with threads(nn.Linear(2, 2), 32):
    ...     torch.get_num_threads()
    1
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1 if _work(model, batch_size) < _WORTH_SHARING else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
