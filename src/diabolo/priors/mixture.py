"""A mixture of normal distributions as prior."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from diabolo.check import OneOf, Whole
from diabolo.errors import ParameterError
from diabolo.outline import computed
from diabolo.part import knob
from diabolo.priors.diagonal import LOG_2_PI, log_densities
from diabolo.priors.prior import Prior, PriorModule

_ROUNDS = 300  # of expectation and maximisation, at most
_PATIENCE = 20  # rounds that must bring progress on held-out codes
_PROGRESS = 1e-3  # nats per code
_BLOCK = 4096  # codes that are looked at a time
_LEAST = 1e-6  # added to the variances of white codes


@dataclass(frozen=True)
class Mixture(Prior):
    """p(z) = Σₖ πₖ N(z; mₖ, Sₖ) with learned weights, means and covariances.

    Trained with an autoencoder, it starts with means spread over N(0, I/2) and covariances I/2. Fitted to codes it is
    solved by expectation and maximisation from k-means, until held-out codes gain no more.

    References
    ----------
    Dempster, Laird, Rubin, "Maximum likelihood from incomplete data via the EM algorithm", JRSS B 1977; as the prior of
    an autoencoder: Tomczak, Welling, "VAE with a VampPrior", AISTATS 2018, section 3; after training: Ghosh et al.,
    "From variational to deterministic autoencoders", ICLR 2020, section 4.

    Examples
    --------
    >>> module = Mixture(3).build(2)
    >>> module.sample(5).shape, module.log_density(torch.zeros(5, 2)).shape
    (torch.Size([5, 2]), torch.Size([5]))
    """

    components: int = knob(10, Whole(1, 2**16), "normal distributions in the mixture")
    covariance: str = knob(
        "diagonal", OneOf("diagonal", "full"), "whether entries of the code may go together within a component"
    )

    def build(self, n: int) -> MixtureModule:
        """Return the module with weights, means and covariances."""
        return MixtureModule(self, n)

    def equation(self) -> str:
        """Return the formula."""
        return f"Σₖ πₖ·N(mₖ, {'Sₖ' if self.covariance == 'full' else 'sₖ²'}), k = 1…{self.components}"


class MixtureModule(PriorModule):
    """A component sees u = (z − mₖ)(I + Uₖ) / sₖ as N(0, I), Uₖ being what stands above the diagonal of `mixing`."""

    mixing: nn.Parameter | None

    def __init__(self, part: Mixture, n: int) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.zeros(part.components))
        spread = torch.randn(part.components, n)
        self.mean = nn.Parameter(computed(lambda means: means * 0.5**0.5, spread, (part.components, n)))
        self.log_scale = nn.Parameter(torch.full((part.components, n), 0.5 * math.log(0.5)))
        full = part.covariance == "full"
        self.register_parameter("mixing", nn.Parameter(torch.zeros(part.components, n, n)) if full else None)

    def log_density(self, z: Tensor) -> Tensor:
        return self._joint(z).logsumexp(1)

    @torch.no_grad()
    def sample(self, count: int) -> Tensor:
        which = torch.multinomial(self.logits.softmax(0), count, replacement=True)
        away = torch.randn_like(self.mean[which]) * self.log_scale[which].exp()  # (count, n)
        if self.mixing is not None:
            for k in which.unique().tolist():
                mine, eye = which == k, torch.eye(away.shape[1], dtype=away.dtype, device=away.device)
                away[mine] = torch.linalg.solve_triangular(
                    self.mixing[k].triu(1) + eye, away[mine], upper=True, left=False, unitriangular=True
                )
        return self.mean[which] + away

    def components(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return log weights (K,), means (K, n) and covariances (K, n, n), float64 where there is that."""
        dtype = torch.float32 if self.mean.device.type == "mps" else torch.float64
        spread = torch.diag_embed(self.log_scale.to(dtype).exp())  # (K, n, n)
        if self.mixing is not None:
            eye = torch.eye(spread.shape[1]).to(spread)
            spread = torch.linalg.solve_triangular(self.mixing.to(dtype).triu(1) + eye, spread, upper=True, left=False)
        return F.log_softmax(self.logits.to(dtype), 0), self.mean.to(dtype), spread.mT @ spread

    def _joint(self, z: Tensor) -> Tensor:
        """Return log πₖ N(z; mₖ, Sₖ) for each component, (B, K)."""
        log_weight = F.log_softmax(self.logits, 0)
        if self.mixing is None:
            return log_weight + log_densities(z, self.mean, 2 * self.log_scale)
        eye = torch.eye(z.shape[1], dtype=z.dtype, device=z.device)
        whitening = (eye + self.mixing.triu(1)) * (-self.log_scale).exp()[:, None]  # (K, n, n)
        with torch.autocast(z.device.type, enabled=False):  # a density is exact, whatever the nets compute in
            u = torch.einsum("bi,kij->bkj", z, whitening) - torch.einsum("ki,kij->kj", self.mean, whitening)
        return log_weight - 0.5 * (u.square() + LOG_2_PI).sum(2) - self.log_scale.sum(1)

    @torch.no_grad()
    def solve(self, codes: Tensor, held_out: Tensor, seed: int) -> bool:
        """Maximise the likelihood of the codes, stop by the held-out ones, and let a last round see all of them."""
        if len(codes) < 2 * len(self.logits):
            raise ParameterError(
                f"Parameter 'components' of Mixture must be at most half the number of codes, {len(codes)}, where it "
                f"is fitted to them; got {len(self.logits)}. Choose fewer components, or give more samples."
            )
        shares, kept = _clusters(codes, len(self.logits), seed).to(codes), self._weights()
        scores: list[float] = []
        for _ in range(_ROUNDS):
            self._maximise(codes, shares)
            scores.append(float(self.log_density(held_out if len(held_out) else codes).mean()))
            if scores[-1] == max(scores):
                kept = self._weights()
            if max(scores) < max(scores[:-_PATIENCE], default=-math.inf) + _PROGRESS:
                break
            shares = self._shares(codes)
        self.load_state_dict(kept)
        every = torch.cat([codes, held_out])
        self._maximise(every, self._shares(every))
        return True

    def _shares(self, codes: Tensor) -> Tensor:
        """Return how far each component owns each code, (N, K)."""
        return torch.cat([self._joint(block).softmax(1) for block in codes.split(_BLOCK)])

    def _maximise(self, codes: Tensor, shares: Tensor) -> None:
        """Set everything to what fits codes (N, n) best, of which each component owns its `shares` (N, K)."""
        count = shares.sum(0).clamp_min(1e-3)  # a component that owns nothing stays finite
        mean = shares.T @ codes / count[:, None]
        self.logits.copy_(count.log())
        self.mean.copy_(mean)
        if self.mixing is None:
            away = shares.T @ codes.square() / count[:, None] - mean.square()
            self.log_scale.copy_(0.5 * (away.clamp_min(0) + _LEAST).log())
            return
        for k in range(len(count)):
            away = codes - mean[k]
            covariance = (away * shares[:, k : k + 1]).T @ away / count[k]
            covariance.diagonal().add_(_LEAST)
            lower = torch.linalg.cholesky(covariance)  # S = L Lᵀ; u = (z − m) L⁻ᵀ
            whitening = torch.linalg.solve_triangular(lower, torch.eye(len(lower)).to(lower), upper=False).T
            diagonal = whitening.diagonal()
            self.log_scale[k] = -diagonal.log()
            self.mixing[k] = (whitening / diagonal).triu(1)

    def _weights(self) -> dict[str, Tensor]:
        return {name: value.clone() for name, value in self.state_dict().items()}


def _clusters(codes: Tensor, count: int, seed: int) -> Tensor:
    """Return which cluster of k-means each code is in, as rows of zeros and a one (N, K)."""
    from sklearn.cluster import KMeans  # here: most users of this room never fit codes
    from sklearn.exceptions import ConvergenceWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # of fewer different codes than clusters
        labels = KMeans(count, n_init="auto", random_state=seed).fit_predict(codes.cpu().numpy())
    return F.one_hot(torch.as_tensor(labels, dtype=torch.long), count)
