"""How the chain rule of columns is fitted, once the model of the rows is."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

from diabolo.estimators.generation.chain_rule import ChainRule, Sizes, fits
from diabolo.estimators.sources import Sources
from diabolo.model import Autoencoder
from diabolo.seeding import places, seeded
from diabolo.training import Source

Vector = NDArray[np.float64]

_ROWS = 3000
"""Rows that are learnt from, at most."""

_COSTS = (100.0, 10.0, 1.0)
"""What a weight of 1 costs, in nats over all rows, from dear to cheap."""

_UNJUDGED = 10.0
"""What it costs where no rows are held out to choose."""

_STEPS = 40
"""Steps of each fit, at most."""


@torch.no_grad()
def chained(model: Autoencoder, sizes: Sizes, sources: Sources, seed: int) -> ChainRule | None:
    """Return the chain rule of columns beside what a model says of rows, or None if they are too wide.

    For each column that cost of weights is chosen, or none of them, with which it is expected best in rows held out.
    The model stays as it is: a code says no less of a row because columns say it, too.

    Parameters
    ----------
    model : Autoencoder
        Of the indicators of bins, with the likelihood `Binned`.
    sizes : sequence of (int, int)
        Bins of each column, and how many of these lie in an order.
    sources : Sources
        Rows to learn from, and rows held out.
    seed : int
        Decides the codes that are drawn.
    """
    if not fits(sizes):
        return None
    with seeded(seed, *places(model)):
        learnt = _seen(model, sources.few)
        held_out = _seen(model, sources.held_out) if len(sources.held_out) else learnt
    rule = ChainRule(sizes).to(learnt.x.device)
    rule.begin(learnt.x[:, : len(rule.share)].mean(0))
    best, kept = _costs(rule, held_out), {name: weight.clone() for name, weight in rule.named_parameters()}
    for cost in _COSTS if len(sources.held_out) else (_UNJUDGED,):
        _fit(rule, learnt, cost)
        found = _costs(rule, held_out)
        for own in (own for own, better in zip(rule.codes, (found < best).tolist(), strict=True) if better):
            kept["weight"][:, own], kept["bias"][own] = rule.weight[:, own], rule.bias[own]
        best = torch.minimum(best, found)
    rule.load_state_dict(kept, strict=False)
    return rule.eval()


class _Seen(NamedTuple):
    """Rows (N, P + C), and what the decoder says of them, (N, P)."""

    x: Tensor
    params: Tensor


def _seen(model: Autoencoder, source: Source) -> _Seen:
    """Return rows of a source at equal distances, and what is said of them by codes that are drawn."""
    found, step = [], -(-len(source) // _ROWS) or 1
    for batch in source.epoch(4096, None):
        few = slice(None, None, step)
        known = None if batch.condition is None else batch.condition[few]
        code = model.latent(model.hidden(batch.x[few], known)[0], True)
        z = code.z[: len(batch.x[few])] if model.has_prior else code.mean
        found.append((batch.x[few], model.decode(z, known)))
    return _Seen(*(torch.cat(part) for part in zip(*found, strict=True)))


def _costs(rule: ChainRule, seen: _Seen) -> Tensor:
    """Return −log p of each column (C,), on average."""
    each = rule.likelihood.distortion(seen.params + rule(seen.x), seen.x).mean(0)
    return torch.stack([each[span].sum() for span in rule.bins])


def _fit(rule: ChainRule, seen: _Seen, cost: float) -> None:
    """Make rows as probable as weights at this cost can, going on from where they are: there is one optimum."""
    x, told, after = seen.x[:, : len(rule.share)], rule.features(seen.x), rule.after

    def split(vector: Vector) -> tuple[Tensor, Tensor]:
        flat = torch.from_numpy(vector).to(told)
        weight = torch.zeros_like(rule.weight)
        weight[after] = flat[: -len(rule.bias)]
        return weight, flat[-len(rule.bias) :]

    def loss(vector: Vector) -> tuple[float, Vector]:
        weight, bias = split(vector)
        logits = seen.params + rule.logits(told, weight, bias)
        log_p = torch.cat([logits[:, span].log_softmax(1) for span in rule.bins], 1)
        by_logits = log_p.exp() - x
        by_said = torch.cat([by_logits[:, span] @ f for span, f in rule.columns()], 1)  # (N, F)
        by_weight = (told.T @ by_said + cost * weight)[after]
        value = 0.5 * cost * weight.square().sum() - (log_p * x).sum()
        slope = torch.cat([by_weight, by_said.sum(0)])
        return float(value) / len(x), slope.cpu().double().numpy() / len(x)

    start = torch.cat([rule.weight[after], rule.bias]).cpu().double().numpy()
    best = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS})
    for own, found in zip((rule.weight, rule.bias), split(best.x), strict=True):
        own.copy_(found)
