"""Measure what the classic sparse and noisy autoencoders teach a linear classifier of digits, in one table.

``python -m benchmarks.features_classics [--only ROW ...] [--seeds N] [--epochs E] [--write FILE]``: MNIST as a table of
60,000 and 10,000 rows of 784 numbers in [0, 1]. Each autoencoder learns 1,000 latents from the images alone, through
the public `Dictionary` or `Reducer`; then softmax regression learns the labels from the codes, without fine-tuning.

The regression is the same for all rows: codes centred and divided by one number, so that their mean variance is 1 (to
divide each entry by its own makes much of rare ones, and was worse on held-out rows), and a squared penalty on the
weights. Its price is chosen on the last 10,000 training rows; then the regression learns from all 60,000.

- FVU: fraction of variance unexplained of the test images, with the code that training uses;
- seconds: of the processor, of the fit, on one thread;
- active: mean number of entries of that code that differ from 0, or of a sigmoid code lie above a tenth;
- α: after training a k-sparse code may have α·k entries, as in the paper; here α is chosen like the price. Entries are
  counted from the smallest of their code, so that one fades in and does not jump; "as they are" they are read in one
  row, as in the paper.

Beside the errors stand those that Makhzani and Frey, "k-Sparse autoencoders", ICLR 2014, report of 1,000 features most
like ours, without fine-tuning. Their row of dropout has no like here: no part hides entries of a code at random.

Target: a k-sparse row at 1.6 % or below.
"""

from __future__ import annotations

import warnings
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from time import process_time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse
from torch import Tensor
from torch.nn import functional as F

from benchmarks.report import Report, parser
from benchmarks.workers.sets import FOLDER
from diabolo import Dictionary, Recipe, Reducer, Training
from diabolo.corruptions import GaussianNoise, Masking
from diabolo.errors import DiaboloWarning
from diabolo.latents import L1, BatchTopK, KLSparsity, TopK, WinnerTakeAll
from diabolo.likelihoods import Bernoulli
from diabolo.metrics import fvu
from diabolo.nets import MLP, Atoms
from diabolo.penalties import Contractive, Matryoshka
from diabolo.training.device import brief, resolve

Array = NDArray[Any]

LATENTS = 1000
PRICES = (1e-4, 3e-4, 1e-3, 3e-3)
"""Of the squared weights of the regression, halved; the loss is the mean over the rows."""

STEPS = 1500
_BATCH = 512
_FAINT = 0.1  # a sigmoid is never 0


def written(codes: Any) -> Array:
    """Return codes (N, n) as a dense array in float32."""
    return codes.toarray() if issparse(codes) else codes


def faded(codes: Any) -> Array:
    """Return sparse codes (N, n) with k entries each as a dense array, each counted from the smallest of its code."""
    k = np.diff(codes.indptr)
    smallest = np.minimum.reduceat(codes.data, codes.indptr[:-1])
    return csr_array((codes.data - np.repeat(smallest, k), codes.indices, codes.indptr), codes.shape).toarray()


@dataclass(frozen=True)
class Case:
    """A row of the table: what learns the features, what of the code is read, and what others found."""

    title: str
    recipe: Recipe | None
    published: float | None = None
    alphas: tuple[float, ...] = ()
    """How many times as many entries as in training a code may have to be read; none where it has no set number."""
    reading: Callable[[Any], Array] = written
    """From codes (N, n), sparse or not, to what the regression reads."""
    epochs: int = 20

    def estimator(self, seed: int, epochs: int | None = None) -> Any:
        """Return the estimator: a dictionary where the net sums atoms."""
        recipe = self.recipe or Recipe()
        job = Dictionary if isinstance(recipe.net, Atoms) else Reducer
        training = Training(
            epochs=epochs or self.epochs,
            batch_size=512,
            learning_rate=3e-3,
            weight_decay=0.0,
            validation=0.0,
            precision=brief(resolve("cpu")),
        )
        return job(LATENTS, recipe=recipe, training=training, random_state=seed, device="cpu")


_LAYER = MLP((), bypass=False)
_TIED = Atoms(tied=True)
_RELU, _SIGMOID = L1(0.0), KLSparsity(weight=0.0)  # codes that cost nothing
CASES: dict[str, Case] = {
    "raw": Case("raw pixels", None, 7.20),
    "k-sparse-25": Case("k-sparse, k = 25", Recipe(_TIED, TopK(25)), 1.35, (3.0, 6.0), faded),
    "k-sparse-25-plain": Case("k-sparse, k = 25, as they are", Recipe(_TIED, TopK(25)), 1.35, (1.0, 3.0)),
    "k-sparse-10": Case("k-sparse, k = 10", Recipe(_TIED, TopK(10)), 2.10, (3.0, 6.0), faded),
    "k-sparse-40": Case("k-sparse, k = 40", Recipe(_TIED, TopK(40)), 1.54, (3.0, 6.0), faded),
    "winner-take-all": Case("winner-take-all, 5 %", Recipe(Atoms(), WinnerTakeAll(0.05)), epochs=10),
    "matryoshka": Case(
        "Matryoshka, batch top-25", Recipe(Atoms(), BatchTopK(25), penalties=(Matryoshka(),)), epochs=10
    ),
    "l1": Case("L1", Recipe(_LAYER, L1(0.1), Bernoulli()), epochs=10),
    "kl": Case("KL, ρ = 0.1", Recipe(_LAYER, KLSparsity(0.1, 0.1), Bernoulli()), epochs=10),
    "masking": Case(
        "denoising, 30 % masked, sigmoid", Recipe(_LAYER, _SIGMOID, Bernoulli(), Masking(0.3)), 1.95, epochs=10
    ),
    "noise": Case(
        "denoising, normal noise of 0.3", Recipe(_LAYER, _RELU, Bernoulli(), GaussianNoise(0.3)), 1.95, epochs=10
    ),
    "contractive": Case("contractive", Recipe(_LAYER, _SIGMOID, Bernoulli(), penalties=(Contractive(0.1),)), epochs=10),
}


@dataclass(frozen=True)
class Digits:
    """Images (N, 784) in [0, 1] and their labels (N,)."""

    X: Array
    y: Array
    test: Array
    true: Array


@dataclass(frozen=True)
class Found:
    """What was measured of a row with one seed: errors in per cent, seconds of the processor."""

    error: float
    price: float
    alpha: float | None
    unexplained: float
    active: float
    seconds: float


def main() -> None:
    """Measure and print."""
    arguments = _arguments()
    torch.set_num_threads(1)
    warnings.simplefilter("ignore", DiaboloWarning)  # PCA of 1,000 components rebuilds 784 pixels: no measure here
    report = Report("Features of the classics", arguments, seeds=f"{arguments.rounds} seeds of the nets, from 0")
    report.versions |= {name: version(name) for name in ("diabolo", "torch")}
    report.add("Softmax regression on 1,000 features of MNIST learned without labels, test error in per cent.", "")
    report.add("| features | error, % | published | epochs | α | price | FVU | active | seconds |", "|" + "---|" * 9)
    digits = made()
    for name in arguments.only:
        case, seeds = CASES[name], range(arguments.rounds if CASES[name].recipe else 1)
        report.add(
            line(case, arguments.epochs or case.epochs, [one(case, digits, seed, arguments.epochs) for seed in seeds])
        )
    report.finish()


def made() -> Digits:
    """Return the digits."""
    with np.load(FOLDER / "mnist" / "mnist.npz", allow_pickle=False) as file:
        X, test = (file[name].reshape(-1, 784) / np.float32(255) for name in ("x_train", "x_test"))
        return Digits(X, file["y_train"].astype(np.int64), test, file["y_test"].astype(np.int64))


def one(case: Case, digits: Digits, seed: int, epochs: int | None = None) -> Found:
    """Return what a row comes to with one seed."""
    if case.recipe is None:
        pixels = Chosen.of(digits.X, digits.test, digits.y)
        return Found(pixels.error(digits), pixels.price, None, 0.0, float((digits.test > 0).sum(1).mean()), 0.0)
    began = process_time()
    estimator = case.estimator(seed, epochs).fit(digits.X)
    seconds = process_time() - began
    unexplained = fvu(digits.test, estimator.reconstruct(digits.test))
    active = used(estimator.transform(digits.test), isinstance(case.recipe.latent, KLSparsity))
    tried = [(Chosen.of(*read(case, estimator, digits, alpha), digits.y), alpha) for alpha in case.alphas or (None,)]
    best, alpha = min(tried, key=lambda pair: pair[0].held_out)
    return Found(best.error(digits), best.price, alpha, unexplained, active, seconds)


def read(case: Case, estimator: Any, digits: Digits, alpha: float | None) -> tuple[Array, Array]:
    """Return what the regression reads of training and test images, (N, n) and (M, n)."""
    if alpha is not None:
        estimator.model_.revise("latent.k", round(alpha * estimator.recipe.latent.k))
    return case.reading(estimator.transform(digits.X)), case.reading(estimator.transform(digits.test))


def used(codes: Any, faintly: bool) -> float:
    """Return how many entries of a code differ from 0, or lie above a tenth, on average."""
    return float((written(codes) > _FAINT).sum(1).mean() if faintly else (codes != 0).sum() / codes.shape[0])


@dataclass(frozen=True)
class Chosen:
    """Codes (N, n) and (M, n) as the regression reads them, and the price that was best on rows held out."""

    rows: Tensor
    test: Tensor
    price: float
    held_out: float

    @classmethod
    def of(cls, Z: Array, test: Array, y: Array, held_out: int = 10_000, steps: int = STEPS) -> Chosen:
        """Centre and scale codes, and try every price on the last rows."""
        shift = Z.mean(0)
        scale = np.sqrt(Z.var(0).mean()).astype(Z.dtype)
        rows, others = (torch.from_numpy((z - shift) / scale) for z in (Z, test))
        first, last = slice(-held_out), slice(-held_out, None)
        labels = torch.from_numpy(y)
        tried = errors(regression(rows[first], labels[first], PRICES, steps), rows[last], labels[last])
        return cls(rows, others, PRICES[int(tried.argmin())], float(tried.min()))

    def error(self, digits: Digits, steps: int = STEPS) -> float:
        """Return the test error after learning from all rows, in per cent."""
        W = regression(self.rows, torch.from_numpy(digits.y), (self.price,), steps)
        return float(errors(W, self.test, torch.from_numpy(digits.true))[0])


def regression(Z: Tensor, y: Tensor, prices: Sequence[float], steps: int) -> Tensor:
    """Return the weights (n + 1, prices, 10) of softmax regression of labels y (N,) on codes Z (N, n), for each price.

    All prices are learned side by side: a row is read once for all. Adam, the rate falling to 0 as a cosine.
    """
    draw = torch.Generator().manual_seed(0)
    W = torch.zeros(Z.shape[1] + 1, len(prices) * 10, requires_grad=True)
    price = torch.tensor(prices).repeat_interleave(10)
    optimiser = torch.optim.Adam([W], lr=3e-3, fused=True)
    falling = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(steps):
        chosen = torch.randint(len(Z), (_BATCH,), generator=draw)
        optimiser.zero_grad()
        costs = F.cross_entropy(_logits(W, Z[chosen]).flatten(0, 1), y[chosen].repeat_interleave(len(prices)))
        (costs * len(prices) + 0.5 * (price * W[:-1].square()).sum()).backward()
        optimiser.step()
        falling.step()
    return W.detach()


def errors(W: Tensor, Z: Tensor, y: Tensor) -> Array:
    """Return for each price how many labels y (N,) of codes Z (N, n) the regression gets wrong, in per cent."""
    return 100 * (_logits(W, Z).argmax(2) != y[:, None]).double().mean(0).numpy()


def line(case: Case, epochs: int, found: Sequence[Found]) -> str:
    """Return the row of the table: means over the seeds, and of the error its standard deviation."""
    wrong = [each.error for each in found]
    spread = f" ± {np.std(wrong, ddof=1):.2f}" if len(wrong) > 1 else ""
    published = "" if case.published is None else f"{case.published:.2f}"
    unexplained, active, seconds = (
        np.mean([getattr(each, what) for each in found]) for what in ("unexplained", "active", "seconds")
    )
    prices = ", ".join(f"{price:g}" for price in sorted({each.price for each in found}))
    alphas = ", ".join(f"{alpha:g}" for alpha in sorted({each.alpha for each in found if each.alpha}))
    cells = [f"{np.mean(wrong):.2f}{spread}", published, f"{epochs if case.recipe else ''}", alphas, prices]
    return f"| {case.title} | " + " | ".join([*cells, f"{unexplained:.3f}", f"{active:.1f}", f"{seconds:.0f}"]) + " |"


def _logits(W: Tensor, Z: Tensor) -> Tensor:
    return (Z @ W[:-1] + W[-1]).unflatten(1, (-1, 10))  # (N, prices, 10)


def _arguments() -> Namespace:
    reader = parser(__doc__, rounds=1, threads=(1,))
    names = list(CASES)
    reader.add_argument("--only", nargs="+", choices=names, default=names, help="some rows instead of all")
    reader.add_argument("--seeds", dest="rounds", type=int, help="the same as --rounds")
    reader.add_argument("--epochs", type=int, help="passes over the images, instead of those of each row")
    return reader.parse_args()


if __name__ == "__main__":
    main()
