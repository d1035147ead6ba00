"""Densities fitted to codes after training: they make a generator of any autoencoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from diabolo.check import Whole, demand
from diabolo.errors import DataError
from diabolo.flow import Batch, Code, Output
from diabolo.priors import Prior, PriorModule, Whitened
from diabolo.training import Rows, Training, split, train


def fit(prior: Prior, codes: Tensor, *, seed: int = 0, steps: int = 2000) -> Whitened:
    """Fit a prior to codes by maximum likelihood, a tenth of them held out to stop by.

    The codes are made white first, so that their scale is of no account; `Normal` is then the normal distribution with
    their mean and covariance, a `Mixture` is solved, and a `Flow` trained.

    Parameters
    ----------
    prior : Prior
        The kind of density.
    codes : Tensor (N, n)
        Codes of training samples, at least two.
    seed : int
        Decides what is held out, initial weights and the order of the codes. The global random state is left as it was.
    steps : int
        Steps of training at most, where it is trained.

    Returns
    -------
    Whitened
        The density, on the device of the codes, in float32; ``Whitened(prior, n)`` takes up its `state_dict` again.

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
        return _fitted(prior, codes.detach().clone(), seed, steps)


def _fitted(prior: Prior, codes: Tensor, seed: int, steps: int) -> Whitened:
    with torch.random.fork_rng([codes.device] if codes.device.type == "cuda" else []):
        torch.manual_seed(seed)
        density = Whitened(prior, codes.shape[1])
        if codes.device.type != "mps":
            density.double()  # rounding is left to the end
        density.to(codes.device)
        white = density.whiten(codes)
        learned, held_out = (index.to(codes.device) for index in split(len(white), 0.1, seed))
        if not density.inner.solve(white[learned], white[held_out], seed):
            _train(density.inner.float(), white.float(), seed, steps)
    return density.float().eval()


def _train(prior: PriorModule, codes: Tensor, seed: int, steps: int) -> None:
    training = Training(steps=steps, weight_decay=0.0)
    parts = split(len(codes), training.validation, seed)
    learned, held_out = (Rows(codes, lambda x: x, index, codes.device) for index in parts)
    train(_Likely(prior), learned, held_out, training, seed=seed)


class _Likely(nn.Module):
    """A density behind the model protocol: x is the code, and its distortion -log p(x)."""

    def __init__(self, prior: PriorModule) -> None:
        super().__init__()
        self.prior = prior

    def forward(self, batch: Batch, noise: bool = True) -> Output:
        distortion = -self.prior.log_density(batch.x)
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
