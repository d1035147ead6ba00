"""Densities fitted to codes, and distributions fitted to their tokens, after training.

They make a generator of any autoencoder.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from diabolo.check import Whole, demand
from diabolo.errors import DataError, ParameterError
from diabolo.flow import Batch, Code, Output
from diabolo.priors import Joint, Mixture, Prior, TokenModule, TokenPrior, Whitened
from diabolo.seeding import seeded
from diabolo.training import Plan, Rows, Training, split, train


def fit(
    prior: Prior, codes: Tensor, condition: Tensor | None = None, *, seed: int = 0, steps: int = 4000
) -> Whitened | Joint:
    """Fit a prior to codes by maximum likelihood, a tenth of them held out to stop by.

    The codes are made white first, so that their scale is of no account; `Normal` is then the normal distribution with
    their mean and covariance, a `Mixture` is solved, and a `Flow` trained.

    Parameters
    ----------
    prior : Prior
        The kind of density.
    codes : Tensor (N, n)
        Codes of training samples, at least two.
    condition : Tensor (N, C), optional
        What is known about each sample, for a density given that; of a `Mixture` only.
    seed : int
        Decides what is held out, initial weights and the order of the codes. The global random state is left as it was.
    steps : int
        Steps of training at most, where it is trained.

    Returns
    -------
    Whitened or Joint
        The density, on the device of the codes, in float32; ``Whitened(prior, n)``, or with a condition
        ``Joint(prior, n, C)``, takes up its `state_dict` again.

    Raises
    ------
    DataError
        If the codes are no finite (N, n), or fewer than two.
    ParameterError
        If this prior cannot be fitted to such codes.

    References
    ----------
    Ghosh et al., "From variational to deterministic autoencoders", ICLR 2020, section 4; Dai, Wipf, "Diagnosing and
    enhancing VAE models", ICLR 2019.

    Examples
    --------
    >>> from diabolo.priors import Normal
    >>> codes = 100 + 7 * torch.randn(500, 2, generator=torch.Generator().manual_seed(0))
    >>> density = fit(Normal(), codes)
    >>> bool((density.sample(500).mean(0) - 100).abs().max() < 2)
    True
    """
    prior.check()
    demand("steps", "fit", steps, Whole(1))
    _demand_codes(codes)
    with torch.inference_mode(False), torch.enable_grad():  # whatever the caller does without
        return _fitted(prior, codes.detach().clone(), condition, seed, steps)


def fit_indices(
    prior: TokenPrior,
    indices: Tensor,
    kinds: int,
    condition: Tensor | None = None,
    *,
    ordered: bool = False,
    seed: int = 0,
    steps: int = 4000,
) -> TokenModule:
    """Fit a distribution of tokens to the indices of quantised codes, a tenth of them held out to stop by.

    Parameters
    ----------
    prior : TokenPrior
        The kind of distribution.
    indices : Tensor (N, T)
        What `Code.info` tells of training samples, at least two.
    kinds : int
        How many kinds of token there are, as `LatentModule.kinds` tells.
    condition : Tensor (N, K), optional
        What is known about each sample.
    ordered : bool
        Whether the kinds of token are levels of a number, as `LatentModule.ordered` tells.
    seed : int
        Decides what is held out, initial weights and the order of the samples. The global random state is left as it
        was.
    steps : int
        Steps of training at most.

    Returns
    -------
    TokenModule
        The distribution, on the device of the indices; ``prior.over(T, kinds, K, ordered)`` takes up its `state_dict`
        again.

    Raises
    ------
    DataError
        If the indices are no integers (N, T) from 0 to kinds - 1, fewer than two, or the condition is not one for each.
    ParameterError
        If a knob of the prior, `kinds` or `steps` is not allowed.

    Examples
    --------
    >>> from diabolo.priors import Autoregressive
    >>> indices = torch.tensor([[0, 1], [1, 0]]).repeat(50, 1)
    >>> module = fit_indices(Autoregressive(hidden=8, layers=1), indices, kinds=2, steps=100)
    >>> bool((module.sample(100).sum(1) == 1).float().mean() > 0.9)
    True
    """
    prior.check()
    demand("steps", "fit_indices", steps, Whole(1))
    demand("kinds", "fit_indices", kinds, Whole(1))
    _demand_indices(indices, kinds, condition)
    with torch.inference_mode(False), torch.enable_grad():  # whatever the caller does without
        told = None if condition is None else condition.detach().float().clone()
        size = 0 if told is None else told.shape[1]
        with seeded(seed, indices.device):
            module = prior.over(indices.shape[1], kinds, size, ordered).to(indices.device)
            _tell(module, indices.detach().clone(), told, seed, steps)
        return module.eval()


def _fitted(prior: Prior, codes: Tensor, condition: Tensor | None, seed: int, steps: int) -> Whitened | Joint:
    with seeded(seed, codes.device):
        density, codes = _module(prior, codes, condition)
        if codes.device.type != "mps":
            density.double()  # rounding is left to the end
        density.to(codes.device)
        white = density.whiten(codes)
        learned, held_out = (index.to(codes.device) for index in split(len(white), 0.1, seed))
        if not density.inner.solve(white[learned], white[held_out], seed):
            inner = density.inner.float()
            model = _Likely(inner, lambda batch: inner.log_density(batch.x))
            _train(model, white.float(), Training(steps=steps, weight_decay=0.0), seed)
    return density.float().eval()


def _module(prior: Prior, codes: Tensor, condition: Tensor | None) -> tuple[Whitened | Joint, Tensor]:
    """Return the density to fit, its weights drawn at random, and what to fit it to."""
    if condition is None:
        return Whitened(prior, codes.shape[1]), codes
    if not isinstance(prior, Mixture):
        raise ParameterError(
            f"Parameter 'prior' must be a Mixture where codes are fitted beside a condition; got {prior!r}. Choose "
            "one, or leave the condition out."
        )
    if condition.ndim != 2 or len(condition) != len(codes) or not bool(condition.isfinite().all()):
        raise DataError(
            f"The condition of codes must be finite and ({len(codes)}, C), a row for each of them; got shape "
            f"{tuple(condition.shape)}."
        )
    return Joint(prior, codes.shape[1], condition.shape[1]), torch.cat([codes, condition.to(codes)], 1)


def _tell(module: TokenModule, indices: Tensor, condition: Tensor | None, seed: int, steps: int) -> None:
    most, (batch_size, rate) = Plan.of(Training(), len(indices)).batch_size, module.part.pace(module.tokens)
    training = Training(steps=steps, batch_size=min(most, batch_size), learning_rate=rate)
    model = _Likely(module, lambda batch: module.log_probability(batch.x, batch.condition))
    _train(model, indices, training, seed, condition)


def _train(model: _Likely, codes: Tensor, training: Training, seed: int, condition: Tensor | None = None) -> None:
    parts = split(len(codes), training.validation, seed)
    learned, held_out = (Rows(codes, lambda x: x, index, codes.device, condition) for index in parts)
    train(model, learned, held_out, training, seed=seed)


class _Likely(nn.Module):
    """A distribution behind the model protocol: x is the code, or its indices, and its distortion -log p(x)."""

    def __init__(self, module: nn.Module, log_p: Callable[[Batch], Tensor]) -> None:
        super().__init__()
        self.module, self.log_p = module, log_p

    def forward(self, batch: Batch, noise: bool = True) -> Output:
        distortion = -self.log_p(batch)
        free = torch.zeros_like(distortion)
        return Output(batch.x, Code(batch.x, batch.x, free), batch.x, distortion, free, {}, batch.weight)


def _demand_codes(codes: Tensor) -> None:
    if codes.ndim != 2 or len(codes) < 2 or not codes.is_floating_point():
        raise DataError(
            f"Codes to fit a density to must be a floating point tensor (N, n) with N >= 2; got {codes.dtype} of shape "
            f"{tuple(codes.shape)}. Give one row per sample."
        )
    if not bool(codes.isfinite().all()):
        raise DataError("Codes to fit a density to must be finite; some are not. Train the autoencoder anew.")


def _demand_indices(indices: Tensor, kinds: int, condition: Tensor | None) -> None:
    whole = indices.ndim == 2 and len(indices) >= 2 and indices.shape[1] >= 1 and indices.dtype == torch.long
    if not whole or bool(((indices < 0) | (indices >= kinds)).any()):
        raise DataError(
            f"Indices to fit a distribution to must be integers (N, T) from 0 to {kinds - 1} with N >= 2; got "
            f"{indices.dtype} of shape {tuple(indices.shape)}. Give one row per sample, and its code's 'indices'."
        )
    if condition is not None and (condition.ndim != 2 or len(condition) != len(indices)):
        raise DataError(
            f"The condition of indices must be ({len(indices)}, K), a row for each of theirs; got shape "
            f"{tuple(condition.shape)}."
        )
