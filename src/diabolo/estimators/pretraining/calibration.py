"""Probabilities that hold: a temperature fitted to labels held out."""

from __future__ import annotations

import math

import torch
from scipy.optimize import minimize_scalar
from torch import Tensor
from torch.nn import functional as F

_WIDEST = math.log(100)


def temperature(outputs: Tensor, labels: Tensor) -> float:
    """Return what to divide outputs (N, K) by so that the cross-entropy with labels (N,) is least, from 0.01 to 100.

    References
    ----------
    Guo et al., "On calibration of modern neural networks", ICML 2017, section 4.2.

    Examples
    --------
    >>> outputs, labels = torch.tensor([[8.0, 0.0]] * 4), torch.tensor([0, 0, 0, 1])  # sure, and wrong once in four
    >>> round(temperature(outputs, labels), 2), round(8 / math.log(3), 2)
    (7.28, 7.28)
    """
    scores = outputs.double()

    def cost(log_temperature: float) -> float:
        return float(F.cross_entropy(scores / math.exp(log_temperature), labels))

    with torch.no_grad():
        found = minimize_scalar(cost, bounds=(-_WIDEST, _WIDEST), method="bounded", options={"xatol": 1e-6})
    return math.exp(float(found.x))
