"""Colour for grey images: a and b of Lab from lightness, and hints where there are any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from diabolo.check import Flag, Maybe, Number, Whole, demand
from diabolo.errors import CapabilityError, FileError, ParameterError
from diabolo.estimators.base import Estimator
from diabolo.estimators.colorization import tinting
from diabolo.estimators.colorization.hints import hint_maps
from diabolo.estimators.colorization.painting import painted
from diabolo.estimators.colorization.photographs import photographs
from diabolo.estimators.colorization.tinted import Colours, compared, report
from diabolo.estimators.fitted import FittedModel
from diabolo.estimators.signals import Signals
from diabolo.estimators.tiles import Watch
from diabolo.estimators.unchanged import all_or_nothing
from diabolo.likelihoods import Chromatic
from diabolo.model import Recipe
from diabolo.nets import ResUNet
from diabolo.report import Page
from diabolo.training import Callback, Training, resolve, train_in_stages

NET = ResUNet((32, 48, 64, 96), blocks=1, fold=1, activation="silu", bias=True)
"""The net of images, on which a pixel of the finest grid stands for two by two."""


class Colorizer(TransformerMixin, Estimator):
    """Colour for grey images of any size, learned from images in colour.

    The model tells a and b of Lab, at half the size; the lightness is that of the original, at its full size and to
    the rounding of its type. Colours that sRGB does not have at that lightness become paler, not darker.

    Parameters
    ----------
    n_components : int, optional
        Size of the code, at each place of its grid for nets such as `ResUNet`; 32 by default.
    recipe : Recipe or str
        The composition, or the name of one. `Chromatic` tells probabilities of colours, so that what may be red or
        green need not become grey; ``Recipe(likelihood=SquaredError())`` tells the mean colour. If it leaves the net
        open, that is a `ResUNet`, which takes any size.
    training : Training, optional
        How it is trained; 1,100 steps by default, in bfloat16 where the processor has instructions for it.
    temperature : float, optional
        Of the annealed mean of `Chromatic`, that of the recipe by default: 1 gives the mean, 0 the most probable one.
    balance : float, optional
        How far rare colours are preferred, that of the recipe by default: 0 is safe and dull, 0.5 colourful and often
        wrong. Like `temperature` it can be set after `fit`, which need not be done again.
    several_sizes : bool, optional
        Whether images are looked at in several sizes, larger ones also in that of the images learned from, and the mean
        of the colours counts: so images may be much larger than those, and others gain a bit too; but where the grain
        tells the colour, that is lost. Decided by images held out by default, and False where there are none; it can
        be set after `fit`.
    hints : float
        Share of the images that are learned from with some of their colours shown at random places, so that
        `transform` can be told such; with 0, it cannot.
    random_state : int, RandomState or None
        Decides initial weights, order and noise: an int gives the same result again on the same machine.
    device : str
        "auto", "cpu", "cuda", "cuda:1", "mps".

    Attributes
    ----------
    quality_ : dict of float
        Of images held out, see `quality`: of those coloured, of the grey ones and of one colour for all.
    mean_colour_ : list of float
        Mean a and b of the images learned from.
    side_ : int
        Pixels along the shorter side of the images learned from, the median; 0 in models saved before it was kept.
    several_sizes_ : bool
        What was decided on `several_sizes`.
    recipe_, model_, history_, shape_, n_features_in_, n_iter_
        As of `Reducer`; the model sees two by two pixels of lightness as four channels, then a, b and mask of hints.

    Notes
    -----
    X may be an array (N, C, H, W), a tensor, a list of images (C, H, W) of several sizes, or a path as for `Reducer`:
    bytes, 16 bits, or floating point numbers in [0, 1].

    References
    ----------
    Zhang, Isola, Efros, "Colorful image colorization", ECCV 2016; hints: Zhang et al., "Real-time user-guided image
    colorization with learned deep priors", SIGGRAPH 2017.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> light = rng.random((32, 1, 16, 16))
    >>> X = np.concatenate([light, 0.5 * light, 0.2 * light], 1)  # brown as of a sepia photograph
    >>> colorizer = Colorizer(training=Training(steps=30), random_state=0).fit(X)
    >>> colorizer.transform(light).shape
    (32, 3, 16, 16)
    """

    verbs: ClassVar[tuple[str, ...]] = ("transform",)
    scalars: ClassVar[tuple[str, ...]] = ("quality_", "mean_colour_", "side_", "several_sizes_")
    lacking: ClassVar[Mapping[str, Any]] = {"side_": 0, "several_sizes_": False}
    sizes = Maybe(Whole(1, 2**20), "32")
    beside_pca: ClassVar[bool] = False
    pictures: ClassVar[bool] = True

    quality_: dict[str, float]
    mean_colour_: list[float]
    side_: int
    several_sizes_: bool

    def __init__(
        self,
        n_components: int | None = None,
        *,
        recipe: Recipe | str = Recipe(NET, likelihood=Chromatic()),
        training: Training | None = None,
        temperature: float | None = None,
        balance: float | None = None,
        several_sizes: bool | None = None,
        hints: float = 0.25,
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
    ) -> None:
        super().__init__(n_components, recipe=recipe, training=training, random_state=random_state, device=device)
        self.temperature = temperature
        self.balance = balance
        self.several_sizes = several_sizes
        self.hints = hints

    @all_or_nothing
    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        callbacks: Sequence[Callback] = (),
        checkpoint: str | PathLike[str] | None = None,
    ) -> Self:
        """Learn from images in colour; y is ignored.

        Parameters
        ----------
        X : array (N, 3, H, W), tensor, list of arrays (3, H, W) or path
            Images in colour; of large ones, random crops are learned from.
        y : ignored
            For the sake of pipelines.
        callbacks, checkpoint
            As for `Reducer.fit`.

        Raises
        ------
        DataError
            If X holds no images in colour.
        ParameterError
            If a parameter is not allowed.
        TrainingError
            If the loss is no longer finite.
        """
        recipe, seed, device = self.check_parameters(), self._seed(), resolve(self.device)
        found = photographs(X, coloured=True)
        lessons = tinting.lessons(found, recipe, self.schedule.validation, float(self.hints), seed, device)
        model = tinting.built(lessons, 32 if self.n_components is None else int(self.n_components), seed, device)
        training = tinting.planned(self.training, lessons.shape, device)
        history = train_in_stages(
            model, lessons.train, lessons.held_out, training, seed=seed, callbacks=callbacks, checkpoint=checkpoint
        )
        self._keep(FittedModel(model, tinting.unscaled(lessons.shape), history))
        self._know(3)
        self.mean_colour_, self.side_ = lessons.mean_colour, lessons.side
        self._judge(lessons.judged, by_others=lessons.held_out is not None)
        return self

    def transform(self, X: Any, *, hints: Any = None, watch: Watch | None = None) -> Any:
        """Return images in colour (N, 3, H, W), in the form and the type of X.

        Large images are computed tile by tile, as the whole would be.

        Parameters
        ----------
        X : array (N, C, H, W), tensor, list of arrays (C, H, W) or path
            Images of any size; of those in colour the lightness is taken.
        hints : array (N, 3, H, W), list of arrays (3, H, W), or list of (i, y, x, r, g, b), optional
            Colours that are known, in units of X: NaN or masked where unknown, or points: number of the image, row,
            column, red, green, blue. Some of the surroundings take the same colour.
        watch : callable, optional
            Told how many tiles of an image are done, and of how many.

        Raises
        ------
        CapabilityError
            If there are hints, and the fit was without.
        DataError
            If X holds no images, or the hints do not fit them.
        """
        check_is_fitted(self)
        found = photographs(X, coloured=False)
        if hints is not None and self.shape_[0] == tinting.LIGHT:
            raise CapabilityError("hints need a Colorizer that has learned to take them; fit it with hints=0.25.")
        images = list(found.arrays)
        return found.back(self._coloured(images, None if hints is None else hint_maps(hints, images), watch))

    def score(self, X: Any, y: Any = None) -> float:
        """Return the share of what a and b vary around their mean that is told (R²): 1 is perfect, 0 one colour."""
        check_is_fitted(self)
        return self._compared(photographs(X, coloured=True)).share

    def quality(self, X: Any) -> dict[str, float]:
        """Return how near images in colour X are to what is made of their lightness.

        ``psnr`` is the mean over the images in dB, ``ab rmse`` over all pixels in units of Lab, ``colourfulness`` that
        of Hasler and Süsstrunk over that of X. Beside them the first two of the grey images, and all of one colour for
        all, the mean of training. Grey has a high signal-to-noise ratio: look at all three.
        """
        check_is_fitted(self)
        return self._compared(photographs(X, coloured=True)).facts

    def report(self, X: Any, y: Any = None) -> Page:
        """Return a page with images in colour X, what is made of their lightness, the measures and loss curves."""
        check_is_fitted(self)
        return report(self, self._compared(photographs(X, coloured=True)))

    def check_parameters(self) -> Recipe:
        """Return the recipe, with a net for images, once every parameter is known to be allowed.

        Raises
        ------
        ParameterError
            For the first parameter that is not.
        """
        owner = type(self).__name__
        demand("hints", owner, self.hints, Number(0, 1))
        demand("several_sizes", owner, self.several_sizes, Maybe(Flag(), "decided by images held out"))
        recipe = tinting.composed(super().check_parameters(), NET)
        for name, value in self._chosen.items():
            demand(name, owner, value, Number(0, 1))
            if not isinstance(recipe.likelihood, Chromatic):
                raise ParameterError(
                    f"Parameter {name!r} of {owner} is for the likelihood Chromatic; got {value} with "
                    f"{recipe.likelihood}. Leave it out, or take that likelihood."
                )
        return recipe

    @property
    def schedule(self) -> Training:
        """How it is trained: as said, or as suits the job."""
        return self.training or tinting.STEPS

    @property
    def _chosen(self) -> dict[str, Any]:
        """What is said of how probabilities become colours."""
        said = {"temperature": self.temperature, "balance": self.balance}
        return {name: value for name, value in said.items() if value is not None}

    def _judge(self, images: Signals, by_others: bool) -> None:
        """Measure the quality on images; if these are others than learned from, decide by them what is left open."""
        self.several_sizes_ = bool(self.several_sizes)
        self.quality_ = self._compared(images).facts
        if self.several_sizes is None and by_others and self.recipe_.net.local is not None:
            self.several_sizes_ = True
            several = self._compared(images).facts
            self.several_sizes_ = several["ab rmse"] < self.quality_["ab rmse"]
            self.quality_ = several if self.several_sizes_ else self.quality_

    def _compared(self, truth: Signals) -> Colours:
        images = list(truth.arrays)
        made = Signals(images, None).back(self._coloured(images, None, None))
        return compared(images, made, self.mean_colour_)

    def _coloured(
        self, images: Sequence[NDArray[Any]], known: Sequence[torch.Tensor] | None, watch: Watch | None
    ) -> list[NDArray[Any]]:
        self.check_parameters()
        several = self.several_sizes_ if self.several_sizes is None else self.several_sizes
        side = self.side_ if several else 0
        return painted(self.model_, images, learned=side, chosen=self._chosen, hints=known, watch=watch)

    def _restore(self, plain: dict[str, Any], arrays: dict[str, torch.Tensor]) -> None:
        """Raise unless what was read is a colorizer; there is no more to take up."""
        means, side = self.mean_colour_, self.side_
        sound = (
            isinstance(means, list) and len(means) == 2 and all(isinstance(m, float) and abs(m) < 1e3 for m in means)
        )
        sound = sound and isinstance(self.several_sizes_, bool) and type(side) is int and 0 <= side < 2**20
        if not sound or self.shape_[0] not in (tinting.LIGHT, tinting.LIGHT + 3) or self.model_.target[0] != 2:
            raise FileError("it does not describe colours")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        return tags
