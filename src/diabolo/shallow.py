"""Autoencoders with a closed form: solved, not trained.

A linear autoencoder with squared error has the subspace of PCA as its best one (Baldi, Hornik, "Neural networks and
principal component analysis", 1989), so PCA is both a model of the house and the baseline of every report.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from types import UnionType

import torch
from scipy.linalg import eigh
from torch import Tensor

from diabolo.flow import Batch, Code, Output
from diabolo.likelihoods import Auto, Clipped, SquaredError
from diabolo.model import Autoencoder, Recipe
from diabolo.nets import Landmarks, Linear, Principal
from diabolo.seeding import seeded

_WIDEST = 3072
"""Widest rows whose covariance matrix is formed: beyond, it would be slower than it is worth."""


@dataclass(frozen=True)
class Moments:
    """Count, mean (D,) and scatter matrix (D, D) of rows seen in blocks, in float64."""

    count: int
    mean: Tensor
    scatter: Tensor

    @classmethod
    def none(cls, width: int) -> Moments:
        """Return the moments of no rows."""
        return cls(0, torch.zeros(width, dtype=torch.float64), torch.zeros(width, width, dtype=torch.float64))

    def add(self, rows: Tensor) -> Moments:
        """Return the moments with a further block of rows (N, D) in it (Chan et al. 1979, the parallel update)."""
        rows = rows.double()
        count, mean = len(rows), rows.mean(0)
        centred = rows - mean
        shift = mean - self.mean
        total = self.count + count
        scatter = torch.addmm(self.scatter, centred.T, centred).addr_(shift, shift, alpha=self.count * count / total)
        return Moments(total, self.mean + shift * (count / total), scatter)


def _signs(rows: Tensor) -> Tensor:
    """Return for each row (N, D) the sign (N, 1) of its largest entry."""
    return rows.gather(1, rows.abs().argmax(1, keepdim=True)).sign()


@dataclass(frozen=True)
class PCA:
    """Principal components, behind the model protocol.

    Parameters
    ----------
    mean : Tensor (D,)
        Mean of the rows, float64.
    components : Tensor (n, D)
        Orthonormal rows, by falling variance, float64.
    variances : Tensor (D,)
        Eigenvalues of the covariance, falling: the spectrum; only the first ones of very wide rows.

    Examples
    --------
    >>> import torch
    >>> x = torch.tensor([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    >>> pca = PCA.solve(Moments.none(2).add(x), 1)
    >>> bool(torch.allclose(pca.reconstruct(x), x.double()))
    True
    """

    mean: Tensor
    components: Tensor
    variances: Tensor

    @classmethod
    def fit(cls, blocks: Iterable[Tensor], width: int, n: int) -> PCA:
        """Return the `n` leading components of rows seen in blocks (N, width).

        Rows wider than 3,072 are solved by a randomised decomposition of the first 4,000 of them
        (Halko, Martinsson, Tropp, SIAM Review 2011). Of rows that are at most half as many as they are wide, the
        products of any two are formed in place of those of any two columns.
        """
        if width > _WIDEST:
            return cls._randomised(blocks, n)
        rest, few = iter(blocks), []
        while 2 * sum(map(len, few)) <= width and (block := next(rest, None)) is not None:
            few.append(block.flatten(1).double())
        if 2 * sum(map(len, few)) <= width:
            return cls._of_few(torch.cat(few), n)
        moments = Moments.none(width)
        for block in chain(few, rest):
            moments = moments.add(block.flatten(1))
        return cls.solve(moments, n)

    @classmethod
    def _of_few(cls, rows: Tensor, n: int) -> PCA:
        """Return the components of rows (N, D) that are far fewer than they are wide, by the products of any two."""
        count, width = rows.shape
        mean = rows.mean(0)
        centred = rows - mean
        values, vectors = eigh((centred @ centred.T / count).numpy())
        kept = min(n, count)
        leading = centred.T @ torch.from_numpy(vectors[:, ::-1][:, :kept].copy())  # (D, kept)
        components = torch.zeros(n, width, dtype=torch.float64)
        components[:kept] = torch.linalg.qr(leading).Q.T  # orthonormal even where there is no variance
        components *= _signs(components)
        variances = torch.zeros(width, dtype=torch.float64)
        variances[:count] = torch.from_numpy(values[::-1].clip(min=0).copy())
        return cls(mean, components, variances)

    @classmethod
    def _randomised(cls, blocks: Iterable[Tensor], n: int, most: int = 4000) -> PCA:
        seen, count = [], 0
        for block in blocks:
            seen.append(block.flatten(1).float())
            count += len(block)
            if count >= most:
                break
        rows = torch.cat(seen)[:most]
        mean = rows.mean(0)
        rank = min(n, *rows.shape)
        with seeded(0, rows.device):
            _, values, vectors = torch.svd_lowrank(rows - mean, q=min(rank + 10, *rows.shape), niter=4)
        components = torch.zeros(n, rows.shape[1], dtype=torch.float64)
        components[:rank] = vectors.T[:rank].double()
        return cls(mean.double(), components, values[:rank].double().square() / len(rows))

    @classmethod
    def solve(cls, moments: Moments, n: int) -> PCA:
        """Return the `n` leading components; the sign of each is such that its largest entry is positive.

        A code larger than the data is wide has components of zero beyond the width.
        """
        values, vectors = eigh((moments.scatter / max(moments.count, 1)).numpy(), overwrite_a=True)
        rows = torch.from_numpy(vectors.T[::-1].copy())
        components = torch.zeros(n, len(rows), dtype=torch.float64)
        kept = min(n, len(rows))
        components[:kept] = rows[:kept] * _signs(rows[:kept])
        return cls(moments.mean, components, torch.from_numpy(values[::-1].clip(min=0).copy()))

    def __call__(self, batch: Batch, noise: bool = False) -> Output:
        """Return the output for a batch, as the `Autoencoder` does."""
        code = self.encode(batch.x)
        params = self.decode(code.z).reshape(batch.x.shape)
        distortion = 0.5 * (params - batch.x).square().flatten(1).sum(1)
        return Output(batch.x, code, params, distortion, code.rate, {}, batch.weight)

    def encode(self, x: Tensor) -> Code:
        """Return the code of x (B, *shape)."""
        z = (x.flatten(1).double() - self.mean) @ self.components.T  # (B, n)
        return Code(z, z, z.new_zeros(len(z)))

    def decode(self, z: Tensor) -> Tensor:
        """Return flat reconstructions (B, D) of codes z (B, n)."""
        return z.double() @ self.components + self.mean

    def reconstruct(self, x: Tensor) -> Tensor:
        """Return the reconstruction of x (B, *shape), float64."""
        return self.decode(self.encode(x).z).reshape(x.shape)


def solvable(recipe: Recipe, width: int) -> bool:
    """Tell whether the best weights are known in closed form: a linear net and nothing but squared error.

    Examples
    --------
    >>> solvable(Recipe(Linear()), 784), solvable(Recipe(), 784)
    (True, False)
    """
    bare = not recipe.penalties and _bare(recipe, SquaredError | Auto)
    return bare and isinstance(recipe.net, Linear) and width <= _WIDEST


def begun(recipe: Recipe) -> bool:
    """Tell whether training adds nothing to where a model begins: a map between landmarks, and no other cost.

    Examples
    --------
    >>> begun(Recipe(Landmarks())), begun(Recipe())
    (True, False)
    """
    of_maps = all(penalty.pairing() is not None for penalty in recipe.penalties)
    return of_maps and _bare(recipe, SquaredError | Clipped | Auto) and isinstance(recipe.net, Landmarks)


def _bare(recipe: Recipe, errors: UnionType) -> bool:
    """Tell whether a recipe has nothing but a net, one of these errors, and penalties."""
    plain = Recipe()
    return isinstance(recipe.likelihood, errors) and plain == recipe(
        net=plain.net, likelihood=plain.likelihood, penalties=()
    )


def begin(pca: PCA, model: Autoencoder) -> None:
    """Start a built model at the principal components, where its net has a linear path and its decoder gives the mean.

    A linear net with squared error is solved by that.
    """
    if model.recipe.likelihood.begins_with_mean:
        kept = pca.variances[: model.n]
        spread = float(kept.mean().sqrt()) if float(kept.sum()) > 0 else 1.0
        model.recipe.net.begin(model.encoder, model.decoder, Principal(pca.mean, pca.components, spread))
