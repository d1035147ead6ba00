"""Missing cells of tables, series and images: filled, drawn, and how certain they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from diabolo.check import Flag, Maybe, Number, OneOf, Whole, demand
from diabolo.data import read
from diabolo.estimators.imputation import grids, tables
from diabolo.estimators.imputation.learning import STEPS, learned_from_grids, learned_from_table, suited_to_grids
from diabolo.estimators.imputation.report import report
from diabolo.estimators.imputation.state import ImputerState
from diabolo.estimators.sources import gathered, part_by_part, sampled
from diabolo.estimators.unchanged import all_or_nothing
from diabolo.model import Recipe
from diabolo.report import Page
from diabolo.training import Callback, Setting, Training, resolve

_LEARNT = 2**25
"""Numbers of a file on disk that are learnt from, at most."""


class Imputer(OneToOneFeatureMixin, TransformerMixin, ImputerState):
    """Missing cells of tables, series and images, filled by an autoencoder that learnt from samples with cells hidden.

    Samples are shown to the model many times, each time with other cells hidden, besides those that are missing; it is
    told which are known, and is judged by what it says of the hidden ones. Of tables, each column is a distribution
    over bins, or categories; what is linear is found beforehand, by factor analysis. Series and images, of any sizes,
    have stretches, rectangles and points hidden from a convolutional net, which tells a distribution for each cell.
    Best guesses, draws, deviations and intervals come from these distributions alike.

    Parameters
    ----------
    n_components : int, optional
        Size of the code; by default as many as there are encoded numbers and columns, from 8 to 64; of series and
        images at each place of the coarsest grid, by default 128.
    recipe : Recipe or str
        The composition, or the name of one. For tables it leaves the likelihood open and has no corruption; its net is
        ``MLP(hidden=(128,))`` if left open. For series and images, what is open becomes a `ResUNet`, a
        `LogisticMixture`, and as its corruption ``Gaps()``: say ``Gaps(size=60)`` if yours are longer than 24 points.
    training : Training, optional
        How it is trained; by default for 1,500 steps of 256 rows, or 3,000 of crops of series and images.
    random_state : int, RandomState or None
        Decides what is hidden, initial weights and order: an int gives the same result again on the same machine.
    device : str
        "auto", "cpu", "cuda", "cuda:1", "mps".
    strategy : {"mean", "median"}
        What numbers and dates are filled with: the mean has the least squared error, the median the least absolute
        one, and in tables is a value such as there were. Categories are filled with the most probable one.
    add_indicator : bool
        Of tables: whether `transform` adds a column, 1 where a value was missing, for each column with missing values
        in training.

    Attributes
    ----------
    errors_ : dict of float
        Root mean squared error of hidden numbers of samples held out, in standard deviations of their columns or
        channels: "model", "linear" (of factor analysis alone, of tables) and "mean" (of the column, or of what is seen
        of the channel of a sample).
    coverage_ : ndarray (F, L)
        Shares of hidden numbers held out, of each column or channel, that lie in intervals of rising probability: what
        `intervals` goes by.
    trust_ : ndarray (F,)
        Of tables: how far means are taken from the linear ones to those of the bins, as was best for rows held out.
    gapped_, factors_, spreads_ : Gapped, Factors, tuple of Spread
        Of tables: the columns, what is linear, and how the numbers of each column lie.
    filler_ : Filler
        All of these but the errors, as one value.
    model_, recipe_, history_, scaling_, shape_, n_features_in_, feature_names_in_, n_iter_
        As for `Reducer`.

    Notes
    -----
    A table (N, D), as for `Reducer`, may hold text, booleans, dates and missing values: NaN, None, NaT, NA or null. A
    column of which nothing was there in training stays as it is. Series (N, T, C) and images (N, C, H, W), or a list of
    them of several sizes, have NaN where something is missing, and units as in training. Of fewer than ten, the
    ends judge; where these are shorter than 32 points nothing does, and intervals and deviations are far too narrow.
    Of a file too large for memory, a part is learnt from.

    References
    ----------
    Ivanov, Figurnov, Vetrov, "Variational autoencoder with arbitrary conditioning", ICLR 2019; Gondara, Wang, "MIDA:
    multiple imputation using denoising autoencoders", PAKDD 2018.

    Examples
    --------
    >>> import numpy as np
    >>> from diabolo import Imputer
    >>> rng = np.random.default_rng(0)
    >>> a = rng.normal(size=300)
    >>> X = np.column_stack([a, np.square(a), 5 - 2 * a])
    >>> X[rng.random(X.shape) < 0.2] = np.nan
    >>> imputer = Imputer(random_state=0).fit(X)
    >>> filled = imputer.transform([[1.0, np.nan, np.nan]])
    >>> bool(2.7 < filled[0, 2] < 3.3), bool(0.7 < filled[0, 1] < 1.3)
    (True, True)
    """

    verbs: ClassVar[tuple[str, ...]] = ("transform", "uncertainty")
    scalars: ClassVar[tuple[str, ...]] = ("errors_",)
    sizes = Maybe(Whole(1, 2**20), "as many as there are encoded numbers and columns, from 8 to 64")
    takes_missing = True
    beside_pca = False

    def __init__(
        self,
        n_components: int | None = None,
        *,
        recipe: Recipe | str = Recipe(),
        training: Training | None = None,
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
        strategy: str = "mean",
        add_indicator: bool = False,
    ) -> None:
        super().__init__(n_components, recipe=recipe, training=training, random_state=random_state, device=device)
        self.strategy = strategy
        self.add_indicator = add_indicator

    @all_or_nothing
    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        callbacks: Sequence[Callback] = (),
        checkpoint: str | PathLike[str] | None = None,
    ) -> Self:
        """Learn from the cells of X that are there; y is ignored.

        Parameters
        ----------
        X : array, data frame, tensor, list or path
            Samples with or without missing values; of a table at least two rows.
        y : ignored
            For the sake of pipelines.
        callbacks, checkpoint
            As for `Reducer.fit`.

        Raises
        ------
        DataError
            If X holds infinity or identifiers, no values at all, or is too small.
        ParameterError
            If a parameter is not allowed.
        TrainingError
            If the loss is no longer finite.

        Warns
        -----
        DiaboloWarning
            If a column has only missing values: it stays as it is; if one numbers the rows, or holds texts that are
            hardly categories.
        """
        recipe, seed = self.check_parameters(), self._seed()
        setting = Setting(self.n_components, self.training, seed, resolve(self.device), callbacks, checkpoint)
        X, _ = sampled(read(X), _LEARNT)
        if grids.are_grids(X):
            recipe = suited_to_grids(recipe, self.add_indicator)
            learned = learned_from_grids(recipe, grids.checked(self, X, reset=True), setting)
        else:
            learned = learned_from_table(recipe, tables.checked(self, X, reset=True), setting)
        self.filler_, fitted, self.errors_ = learned
        self._keep(fitted)
        return self

    def transform(self, X: Any) -> Any:
        """Return X with its missing cells filled, in the form and the types of X; all others are as they were.

        Raises
        ------
        DataError, DataTypeError
            If columns or channels are not as in training, or hold something else.
        """
        check_is_fitted(self)
        return self._in_parts(
            lambda part: self.filler_.transform(*self._asked(part), self.strategy, self.add_indicator), X
        )

    def sample(self, X: Any, n: int = 5, seed: int | None = None) -> list[Any]:
        """Return X n times, each with its missing cells drawn: multiple imputations.

        What differs between them is what is not known. The cells of a sample are drawn in random order, in at most 8
        passes, each knowing those before. The same seed gives the same draws on the same machine.

        Raises
        ------
        ParameterError
            If n or the seed is not allowed.
        CapabilityError
            If the likelihood, chosen for series or images, tells no deviation.

        References
        ----------
        Rubin, "Multiple imputation for nonresponse in surveys", 1987.
        """
        check_is_fitted(self)
        demand("n", "sample", n, Whole(1))
        demand("seed", "sample", seed, Maybe(Whole(0, 2**32 - 1), "another one each time"))
        return self.filler_.sample(*self._asked(gathered(read(X))), int(n), seed)

    def uncertainty(self, X: Any) -> Any:
        """Return how uncertain each cell is, in the shape and form of X: 0 where it is there.

        Of numbers it is the standard deviation in their own units, of dates in days, of categories the entropy in nats;
        NaN in columns of which nothing is known.

        Raises
        ------
        CapabilityError
            If the likelihood, chosen for series or images, tells no deviation.
        """
        check_is_fitted(self)
        return self._in_parts(lambda part: self.filler_.uncertainty(*self._asked(part)), X)

    def intervals(self, X: Any, coverage: float = 0.9) -> tuple[Any, Any]:
        """Return two like X, low and high: between them missing numbers and dates lie with probability `coverage`.

        The intervals are so long that they held that share of the hidden numbers of samples held out; those of tables
        are the shortest of several, those of series and images hold less in gaps larger than most of `Gaps`. Where a
        cell is there, both ends are it; categories, which have no order, have the most probable one.

        Raises
        ------
        ParameterError
            If the coverage is not allowed.
        CapabilityError
            If the likelihood, chosen for series or images, tells no deviation.
        """
        check_is_fitted(self)
        demand("coverage", "intervals", coverage, Number(0, 1, open_low=True, open_high=True))
        return self.filler_.intervals(*self._asked(gathered(read(X))), coverage)

    def report(self, X: Any, y: Any = None) -> Page:
        """Return a page with what is missing in X, how well hidden cells were filled, and the losses; y is ignored."""
        check_is_fitted(self)
        fitted, samples = self._asked(gathered(read(X)))
        return report(self.filler_, fitted, self.errors_, samples, self.strategy)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns that `transform` gives: those of X, then those of indicators."""
        names = np.asarray(super().get_feature_names_out(input_features), dtype=object)
        added = [f"missingindicator_{names[i]}" for i in self.filler_.indicated if self.add_indicator]
        return np.array([*names, *added], dtype=object)

    def check_parameters(self) -> Recipe:
        recipe, owner = super().check_parameters(), type(self).__name__
        demand("strategy", owner, self.strategy, OneOf("mean", "median"))
        demand("add_indicator", owner, self.add_indicator, Flag())
        return recipe

    @property
    def schedule(self) -> Training:
        """How it is trained."""
        return self.training or STEPS

    def _in_parts(self, method: Callable[[Any], Any], X: Any) -> Any:
        """Return what a method makes of X: rows on disk come part by part."""
        return part_by_part(method, read(X))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        if tags.transformer_tags is not None:
            tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
