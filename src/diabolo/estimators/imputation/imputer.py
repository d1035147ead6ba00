"""Missing cells of tables: filled, drawn, and with how certain they are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import OneToOneFeatureMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from diabolo.check import Flag, Maybe, Number, OneOf, Whole, demand, shorten
from diabolo.data import Stored, joined, read
from diabolo.data.scaling import Scaling
from diabolo.errors import ParameterError
from diabolo.estimators.base import Estimator
from diabolo.estimators.imputation.answers import between, filled, indicated, table, tables, unsure
from diabolo.estimators.imputation.factors import Factors
from diabolo.estimators.imputation.filling import covered, errors, trusted
from diabolo.estimators.imputation.gapped import Gapped
from diabolo.estimators.imputation.imputed import report
from diabolo.estimators.imputation.imputing import learn
from diabolo.estimators.imputation.keeping import recall, remembered
from diabolo.estimators.imputation.spreads import Spread
from diabolo.estimators.sources import gathered
from diabolo.flow import Shape
from diabolo.likelihoods import Auto
from diabolo.model import Recipe
from diabolo.nets import MLP
from diabolo.report import Page
from diabolo.training import Callback, Training, train_in_stages

_TABLES = Training(steps=1500, batch_size=256)
"""How it is trained, if not said otherwise."""

_LEARNT = 2**25
"""Numbers of a file on disk that are learnt from, at most."""


class Imputer(OneToOneFeatureMixin, TransformerMixin, Estimator):
    """Missing cells of tables of mixed columns, filled by an autoencoder that learnt from rows with cells hidden.

    Rows are shown to the model many times, each time with other cells hidden, from few to nearly all, besides those
    that are missing; it is told which cells are known, and is judged by what it says of the hidden ones. What is linear
    is found beforehand, by factor analysis, which fills in what the model is shown; columns that are mostly so are
    modelled as what they are off from it. Every column is a distribution over bins, or categories, from which best
    guesses, draws, deviations and intervals come alike.

    Parameters
    ----------
    n_components : int, optional
        Size of the code; by default as many as there are encoded numbers and columns, from 8 to 64.
    recipe : Recipe or str
        The composition, or the name of one. It leaves the likelihood open, and has no corruption.
    training : Training, optional
        How it is trained; by default for 1,500 steps of 256 rows.
    random_state : int, RandomState or None
        Decides what is hidden, initial weights and order: an int gives the same result again on the same machine.
    device : str
        "auto", "cpu", "cuda", "cuda:1", "mps".
    strategy : {"mean", "median"}
        What numbers and dates are filled with: the mean has the least squared error, the median the least absolute
        one, and is a value such as there were. Categories are filled with the most probable one.
    add_indicator : bool
        Whether `transform` adds a column, 1 where a value was missing, for each column with missing values in training.

    Attributes
    ----------
    errors_ : dict of float
        Root mean squared error of hidden numbers of rows held out, in standard deviations of their columns: "model",
        "linear" (of factor analysis alone) and "mean" (of filling in the mean).
    coverage_ : ndarray (F, L)
        Shares of hidden numbers of rows held out that lie in intervals of rising probability: what `intervals` goes by.
    trust_ : ndarray (F,)
        How far means are taken from the linear ones to those of the bins, as was best for rows held out.
    gapped_ : Gapped
        The columns.
    factors_ : Factors
        What is linear.
    spreads_ : tuple of Spread
        How the numbers of each column lie.
    model_, recipe_, history_, scaling_, shape_, n_features_in_, feature_names_in_, n_iter_
        As for `Reducer`.

    Notes
    -----
    X is a table (N, D), as for `Reducer`, and may hold text, booleans, dates and missing values: NaN, None, NaT, NA or
    null. A column of which nothing was there in training stays as it is. Of a file too large for memory, a part is
    learnt from.

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

    errors_: dict[str, float]
    coverage_: NDArray[np.float64]
    trust_: NDArray[np.float64]
    gapped_: Gapped
    factors_: Factors
    spreads_: tuple[Spread | None, ...]

    def __init__(
        self,
        n_components: int | None = None,
        *,
        recipe: Recipe | str = Recipe(MLP(hidden=(128,))),
        training: Training | None = None,
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
        strategy: str = "mean",
        add_indicator: bool = False,
    ) -> None:
        super().__init__(n_components, recipe=recipe, training=training, random_state=random_state, device=device)
        self.strategy = strategy
        self.add_indicator = add_indicator

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
        X : array, data frame, tensor or path
            At least two rows, with or without missing values.
        y : ignored
            For the sake of pipelines.
        callbacks, checkpoint
            As for `Reducer.fit`.

        Raises
        ------
        DataError
            If X is no table, holds infinity or identifiers, no values at all, or is too small.
        ParameterError
            If a parameter is not allowed.
        TrainingError
            If the loss is no longer finite.

        Warns
        -----
        DiaboloWarning
            If a column has only missing values: it stays as it is.
        """
        recipe, seed = self.check_parameters(), self._seed()
        X = read(X)
        X = X.back(X.take(X.some(_LEARNT))) if isinstance(X, Stored) else X
        learnt = learn(self, table(self, X, reset=True), recipe, seed)
        model = learnt.model
        history = train_in_stages(
            model, learnt.train, learnt.held_out, self.schedule, seed=seed, callbacks=callbacks, checkpoint=checkpoint
        )
        wide = model.shape[0]
        self._learned(model, Scaling(np.zeros(wide), np.ones(wide)), history)
        self.trust_ = trusted(self, learnt)
        self.coverage_, self.errors_ = covered(self, learnt), errors(self, learnt)
        return self

    def transform(self, X: Any) -> Any:
        """Return X with its missing cells filled, in the form and the types of X; all others are as they were.

        Raises
        ------
        DataError, DataTypeError
            If columns are not as in training, or hold something else.
        """
        return self._in_parts(filled, X)

    def sample(self, X: Any, n: int = 5, seed: int | None = None) -> list[Any]:
        """Return n tables, each X with its missing cells drawn: multiple imputations.

        What differs between them is what is not known. The cells of a row are drawn in random order, in at most 8
        passes, each knowing those before. The same seed gives the same tables on the same machine.

        Raises
        ------
        ParameterError
            If n or the seed is not allowed.

        References
        ----------
        Rubin, "Multiple imputation for nonresponse in surveys", 1987.
        """
        check_is_fitted(self)
        demand("n", "sample", n, Whole(1))
        demand("seed", "sample", seed, Maybe(Whole(0, 2**32 - 1), "another one each time"))
        return tables(self, gathered(read(X)), int(n), seed)

    def uncertainty(self, X: Any) -> Any:
        """Return how uncertain each cell is, (N, D), a frame if X is one: 0 where it is there.

        Of numbers it is the standard deviation in their own units, of dates in days, of categories the entropy in nats;
        NaN in columns of which nothing is known.
        """
        return self._in_parts(unsure, X)

    def intervals(self, X: Any, coverage: float = 0.9) -> tuple[Any, Any]:
        """Return two tables as X, low and high: between them missing numbers and dates lie with probability `coverage`.

        The intervals are the shortest of several, and so long that they held that share of the hidden numbers of rows
        held out. Where a cell is there, both ends are it; categories, which have no order, have the most probable one.

        Raises
        ------
        ParameterError
            If the coverage is not allowed.
        """
        check_is_fitted(self)
        demand("coverage", "intervals", coverage, Number(0, 1, open_low=True, open_high=True))
        return between(self, gathered(read(X)), coverage)

    def report(self, X: Any, y: Any = None) -> Page:
        """Return a page with what is missing in X, how well hidden cells were filled, and the losses; y is ignored."""
        check_is_fitted(self)
        return report(self, gathered(read(X)))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns that `transform` gives: those of X, then those of indicators."""
        names = np.asarray(super().get_feature_names_out(input_features), dtype=object)
        added = [f"missingindicator_{names[i]}" for i in indicated(self)]
        return np.array([*names, *added], dtype=object)

    def check_parameters(self) -> Recipe:
        recipe, owner = super().check_parameters(), type(self).__name__
        demand("strategy", owner, self.strategy, OneOf("mean", "median"))
        demand("add_indicator", owner, self.add_indicator, Flag())
        if not isinstance(recipe.likelihood, Auto) or recipe.corruption is not None:
            raise ParameterError(
                f"Parameter 'recipe' of {owner} must leave likelihood and corruption open: columns are modelled by "
                f"bins, and cells are hidden; got {shorten(recipe.likelihood)} and {shorten(recipe.corruption)}."
            )
        return recipe

    @property
    def schedule(self) -> Training:
        """How it is trained."""
        return self.training or _TABLES

    @property
    def _given(self) -> Shape:
        return (len(self.gapped_.columns),)

    def _in_parts(self, method: Callable[[Imputer, Any], Any], X: Any) -> Any:
        """Return what a method makes of X: rows on disk come part by part."""
        check_is_fitted(self)
        X = read(X)
        return joined(method(self, part) for part in X.parts()) if isinstance(X, Stored) else method(self, X)

    def _more(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        return remembered(self)

    def _restore(self, plain: dict[str, Any], arrays: dict[str, Tensor]) -> None:
        recall(self, plain, arrays)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = True
        if tags.transformer_tags is not None:
            tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
