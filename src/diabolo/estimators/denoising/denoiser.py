"""Denoising of images, series and tables, with clean examples or without."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from diabolo.check import Maybe, Number, OneOf, Whole, demand
from diabolo.data import Stored, joined, read
from diabolo.errors import FileError
from diabolo.estimators.base import Estimator
from diabolo.estimators.denoising import restoring
from diabolo.estimators.denoising.lesson import WAYS, Way
from diabolo.estimators.denoising.restored import quality, report, restored
from diabolo.estimators.fitted import FittedModel
from diabolo.estimators.signals import Signals, scaling_of, signals
from diabolo.estimators.sources import gathered
from diabolo.estimators.tiles import Watch
from diabolo.estimators.unchanged import all_or_nothing
from diabolo.flow import Shape
from diabolo.metrics.residual import Residual
from diabolo.model import Recipe
from diabolo.report import Page
from diabolo.training import Callback, Training, resolve, train_in_stages

EXAMPLES = OneOf("clean", "noisy")
"""What X of a fit may be."""


class Denoiser(OneToOneFeatureMixin, TransformerMixin, Estimator):
    """Removal of noise from images and series of any size, and from tables.

    There are three ways to learn: from clean samples, to which the damage of the recipe is done, noise of unknown level
    by default; from pairs, ``fit(noisy, clean)``; and from noisy samples alone, of which the model guesses what is
    hidden from it.

    Parameters
    ----------
    n_components : int, optional
        Size of the code; at each place of its grid for nets such as `ResUNet`.
    recipe : Recipe or str
        The composition, or the name of one. If it leaves the net open, images and series have a `ResUNet`, which takes
        any size; tables a dense net. Its corruption is the damage done to clean samples, in shares of the range of
        images, and in standard deviations of series and columns; of noisy ones, what is hidden. By default that is
        ``BlindNoise(0, 0.2)`` for images, ``BlindNoise(0, 1)`` for series, ``SwapNoise()`` for tables, and of noisy
        samples ``BlindSpot()``. They are better learned from where their noise is independent from point to point,
        which is looked at first: if it has one level, more of it is added, and else neighbours are compared. Say
        ``GaussianNoise(level)`` if you know what noise they have, ``BlindSpot(span=4)`` if it goes on along the rows.
    examples : {"clean", "noisy"}
        What X of a fit is; pairs are told by their y.
    training : Training, optional
        How it is trained; 3,000 steps by default, in bfloat16 where the processor has instructions for it.
    random_state : int, RandomState or None
        Decides initial weights, order and noise: an int gives the same result again on the same machine.
    device : str
        "auto", "cpu", "cuda", "cuda:1", "mps".

    Attributes
    ----------
    recipe_ : Recipe
        The composition with what `recipe` left open chosen: with it the damage that the model was trained for.
    way_ : str
        How it learned: from "clean" samples or "pairs", or from noisy ones "recorrupted", by "neighbours" or "blind".
    noise_ : list of float
        Lowest and highest level of the noise in training, estimated, in shares of the range or in standard deviations;
        what is noisier is restored with a warning. Empty for tables.
    constant_ : list of int
        Columns of a table that never varied in training: they come back as they were there.
    model_, history_, scaling_, shape_, n_features_in_, feature_names_in_, n_iter_
        As of `Reducer`.

    Notes
    -----
    X may be an array (N, C, H, W), (N, T, C) or (N, D), a data frame, a tensor, a list of images (C, H, W) or series
    (T, C) of several sizes, or a path as for `Reducer`. It comes back as the same, images of whole numbers as such.
    What matters of images is the share of their range, so that a model of 8 bits restores 16 bits too.

    References
    ----------
    Vincent et al., "Extracting and composing robust features with denoising autoencoders", ICML 2008; pairs of noisy
    images: Lehtinen et al., "Noise2Noise", ICML 2018; noisy images alone: Krull et al., "Noise2Void", CVPR 2019, and
    where their noise is known Pang et al., "Recorrupted-to-recorrupted", CVPR 2021.

    Examples
    --------
    >>> t = np.linspace(0, 60, 2000)[:, None]
    >>> clean = np.sin(t + np.sin(t / 3))
    >>> denoiser = Denoiser(training=Training(steps=30), random_state=0).fit(clean[None])
    >>> noisy = clean + 0.3 * np.random.default_rng(0).normal(size=clean.shape)
    >>> restored = denoiser.transform([noisy])[0]
    >>> bool(abs(restored - clean).mean() < 0.5 * abs(noisy - clean).mean())
    True
    """

    verbs: ClassVar[tuple[str, ...]] = ("transform",)
    scalars: ClassVar[tuple[str, ...]] = ("noise_", "way_", "type_")
    sizes = Maybe(Whole(1, 2**20), "as many as the net has channels there, or 64")
    beside_pca: ClassVar[bool] = False
    pictures: ClassVar[bool] = True
    pairs: ClassVar[bool] = True

    noise_: list[float]
    way_: Way
    type_: str
    constant_: list[int]

    def __init__(
        self,
        n_components: int | None = None,
        *,
        recipe: Recipe | str = Recipe(),
        examples: str = "clean",
        training: Training | None = None,
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
    ) -> None:
        super().__init__(n_components, recipe=recipe, training=training, random_state=random_state, device=device)
        self.examples = examples

    @all_or_nothing
    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        callbacks: Sequence[Callback] = (),
        checkpoint: str | PathLike[str] | None = None,
    ) -> Self:
        """Learn to restore.

        Parameters
        ----------
        X : array, data frame, tensor, list or path
            Clean samples, or noisy ones: see `examples`.
        y : the same, optional
            The clean samples of X; labels (N,), as pipelines give, are ignored.
        callbacks, checkpoint
            As for `Reducer.fit`.

        Raises
        ------
        DataError
            If X or y hold what cannot be learned, or do not go together.
        ParameterError
            If a parameter is not allowed.
        TrainingError
            If the loss is no longer finite.

        Warns
        -----
        DiaboloWarning
            If X and y seem to be in different units.
        """
        recipe, seed, device = self.check_parameters(), self._seed(), resolve(self.device)
        found = self._found(X, reset=True)
        clean = restoring.clean_of(found, y, getattr(self, "feature_names_in_", None))
        scaling = scaling_of(clean or found)
        recipe, lesson = restoring.composed(recipe, found, scaling, self.examples, clean is not None)
        shape, local = restoring.shape_of(found, recipe.net), recipe.net.local is not None
        training = restoring.planned(self.training, found, shape, local, device)
        share = training.validation
        train, held_out = restoring.sources(found, clean, scaling, lesson, shape, share, seed, device, local)
        model = restoring.built(recipe, shape, self.n_components, seed, device)
        history = train_in_stages(
            model, train, held_out, training, seed=seed, callbacks=callbacks, checkpoint=checkpoint
        )
        self._keep(FittedModel(model, scaling, history))
        self.way_, self.type_ = lesson.way, found.type
        self.constant_ = restoring.constant_of(clean or found)
        self.noise_ = restoring.noise_of(model, train, seed)
        return self

    def transform(self, X: Any, *, strength: float = 1.0, watch: Watch | None = None) -> Any:
        """Return X without its noise, in the form of X.

        Large images and series are computed tile by tile, as the whole would be.

        Parameters
        ----------
        X : array, data frame, tensor, list or path
            Noisy samples; images and series of any size.
        strength : float
            How much of what was found to be noise is removed, from 0 (X itself) to 1.
        watch : callable, optional
            Told how many tiles are done, and of how many.

        Raises
        ------
        DataError
            If X is not what was learned.
        ParameterError
            If `strength` is not allowed.

        Warns
        -----
        DiaboloWarning
            If X is noisier than what was learned.
        """
        check_is_fitted(self)
        demand("strength", "transform", strength, Number(0, 1))
        X = read(X)
        if isinstance(X, Stored):
            return joined(self.transform(part, strength=strength, watch=watch) for part in X.parts())
        found = self._found(X)
        return found.back(restored(self, found, float(strength), watch))

    def quality(self, X: Any) -> Residual:
        """Return what tells of the restoration of X without knowing the truth: what was removed should be noise alone.

        Raises
        ------
        CapabilityError
            If X is a table.
        """
        check_is_fitted(self)
        return quality(self, self._found(X))

    def report(self, X: Any, y: Any = None) -> Page:
        """Return a page with X before and after, what was removed, and the loss curves.

        Parameters
        ----------
        X : array, data frame, tensor, list or path
            Noisy samples.
        y : the same, optional
            Their clean ones: the page then says how near the restored come.
        """
        check_is_fitted(self)
        return report(self, self._found(X), y)

    def _found(self, X: Any, reset: bool = False) -> Signals:
        """Return samples, checked."""
        X = gathered(read(X))
        restoring.demand_samples(X)
        return signals(self, X, reset)

    def check_parameters(self) -> Recipe:
        demand("examples", type(self).__name__, self.examples, EXAMPLES)
        return super().check_parameters()

    @property
    def schedule(self) -> Training:
        """How it is trained, if nothing is said."""
        return self.training or restoring.STEPS

    @property
    def _given(self) -> Shape:
        return self.shape_

    def _more(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        return {"constant": self.constant_}, {}

    def _restore(self, plain: dict[str, Any], arrays: dict[str, Tensor]) -> None:
        """Take up what is constant, of which older files know nothing; raise unless what was read is a denoiser."""
        levels = self.noise_
        known = isinstance(levels, list) and len(levels) in (0, 2) and all(isinstance(one, float) for one in levels)
        if (
            not known
            or (not levels and len(self.shape_) > 1)
            or self.way_ not in WAYS
            or not isinstance(self.type_, str)
        ):
            raise FileError("it does not tell what noise it learned from")
        places = range(self.shape_[0] if len(self.shape_) == 1 else 0)
        self.constant_ = plain.get("constant", [])
        if not isinstance(self.constant_, list) or not all(type(i) is int and i in places for i in self.constant_):
            raise FileError("what it tells of constant columns does not fit its model")
