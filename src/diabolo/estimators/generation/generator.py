"""Generation: new images, series and rows of tables like those of training, and how probable samples are."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags, check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from diabolo.check import Flag, Maybe, Whole, demand
from diabolo.data import Form, read
from diabolo.data.form import PandasForm
from diabolo.errors import DataError, ParameterError
from diabolo.estimators.base import Estimator
from diabolo.estimators.fitted import FittedModel
from diabolo.estimators.generation import drawing, walks
from diabolo.estimators.generation.arrays import Arrays
from diabolo.estimators.generation.chain_rule import ChainRule
from diabolo.estimators.generation.conditions import Conditions
from diabolo.estimators.generation.densities import settle
from diabolo.estimators.generation.intake import numbers_of, one_of, started
from diabolo.estimators.generation.known import Known
from diabolo.estimators.generation.report import report
from diabolo.estimators.generation.rows import Rows
from diabolo.estimators.generation.tokens import demand_tokens
from diabolo.estimators.sources import gathered
from diabolo.estimators.unchanged import all_or_nothing
from diabolo.flow import Shape
from diabolo.generation import summary
from diabolo.latents import Gaussian
from diabolo.likelihoods import Auto
from diabolo.model import Recipe
from diabolo.part import Some
from diabolo.priors import Joint, Prior, TokenModule, Whitened
from diabolo.recipes import named
from diabolo.report import Page
from diabolo.training import Callback, Training

_SEED = Maybe(Whole(0, 2**32 - 1), "another one each time")


class Generator(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):
    """New images, series and rows of tables like those it was fitted on, by a variational autoencoder.

    Parameters
    ----------
    n_components : int
        Size of the code.
    recipe : Recipe or str
        The composition, or the name of one. If it leaves the likelihood open, images are normal with one learned
        variance, the steps of series a mixture that knows the step before, ``LogisticMixture(order=1)``, and each
        column of a table is modelled by where its values lie, ``Binned``: text, booleans and numbers of at most ten
        values are categories, other numbers and dates lie in bins, and so does what is missing. A table is taken as
        plain numbers if the recipe names a likelihood.
    training : Training
        How it is trained.
    random_state : int, RandomState or None
        Decides initial weights, order and noise: an int gives the same result again on the same machine.
    device : str
        "auto", "cpu", "cuda", "cuda:1", "mps".
    density : Prior, optional
        What is fitted to the codes of training samples, for new ones to be drawn from. By default tokens of quantised
        codes are drawn one after the other, by ``MADE()`` if they are few and ``Autoregressive()`` if many; other codes
        from a mixture of up to 10 normal distributions for series, 50 for rows of tables and 100 for images, fewer for
        few samples; but from the latent's own prior if the recipe names a likelihood, or a prior other than
        ``Normal()``. With conditions, a mixture is one of codes given these.

    Attributes
    ----------
    kl_ : ndarray (n,)
        What each dimension of the code costs, in nats; NaN where that has no closed form.
    collapsed_ : list of int
        Dimensions that tell nothing about the sample.
    density_ : Whitened, Joint, TokenModule or None
        The density that was fitted to the codes, or to their tokens.
    columns_ : ChainRule or None
        How columns of a table decide each other, beside the code, which rows are drawn and judged by.
    conditions_ : Conditions or None
        What samples are conditioned on.
    form_ : Rows or Arrays
        What is remembered of the form of samples.
    codes_ : ndarray (2, n)
        Mean and standard deviation of the codes of training samples.
    model_, recipe_, history_, scaling_, shape_, n_features_in_, feature_names_in_, n_iter_
        As for `Reducer`.

    Notes
    -----
    X may be a table (N, D), series (N, T, C) or images (N, C, H, W), as for `Reducer`. Tables may hold text, booleans,
    dates and missing values. Of a file too large for memory, a part is learnt from.

    Samples, reconstructions and what is decoded come back as the user has his own: a frame with its columns and types,
    whole numbers whole, bytes as bytes, and nothing beyond the range of the training samples.

    A `condition` is one label or number for all samples, or one for each; for y of several columns a row, or a table
    or dict of them. Where a model was fitted with y and none is given, new samples have those of training samples, the
    likelihood is the mean over them, and everywhere else their mean stands for it.

    Examples
    --------
    >>> import numpy as np
    >>> from diabolo import Generator, Training
    >>> rng = np.random.default_rng(0)
    >>> angle, label = rng.uniform(0, 6, 300), rng.integers(0, 2, 300)
    >>> X = np.column_stack([np.cos(angle), np.sin(angle)]) + 5 * label[:, None]
    >>> generator = Generator(2, training=Training(epochs=40), random_state=0).fit(X, label)
    >>> generator.sample(3, condition=1, seed=0).shape
    (3, 2)
    >>> bool(generator.sample(200, condition=1, seed=0).mean() > 4 > 1 > generator.sample(200, condition=0).mean())
    True
    """

    verbs: ClassVar[tuple[str, ...]] = ("transform", "reconstruct", "inverse_transform", "log_likelihood")
    scalars: ClassVar[tuple[str, ...]] = ("collapsed_",)
    takes_missing = True

    kl_: NDArray[np.float64]
    codes_: NDArray[np.float64]
    collapsed_: list[int]
    density_: Whitened | Joint | TokenModule | None
    density_part_: Prior | None
    columns_: ChainRule | None
    conditions_: Conditions | None
    form_: Rows | Arrays

    def __init__(
        self,
        n_components: int = 16,
        *,
        recipe: Recipe | str = Recipe(latent=Gaussian()),
        training: Training = Training(),
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
        density: Prior | None = None,
    ) -> None:
        super().__init__(n_components, recipe=recipe, training=training, random_state=random_state, device=device)
        self.density = density

    @all_or_nothing
    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        callbacks: Sequence[Callback] = (),
        checkpoint: str | PathLike[str] | None = None,
    ) -> Self:
        """Learn how samples X are distributed, given what is known about them, y.

        Parameters
        ----------
        X : array, data frame, tensor or path
            At least two samples.
        y : array-like (N,) or (N, K), series or data frame, optional
            What to condition on: columns of floating point numbers are quantities, all others labels.
        callbacks, checkpoint
            As for `Reducer.fit`.

        Raises
        ------
        DataError
            If X or y hold what cannot be learned, or X what the likelihood is none of.
        ParameterError
            If a parameter is not allowed.
        TrainingError
            If the loss is no longer finite.
        """
        recipe, seed = self.check_parameters(), self._seed()
        start, form, conditions = started(self, X, y, recipe, seed)
        self._keep(FittedModel.of(start, self.schedule, callbacks, checkpoint))
        self._take_up(settle(start, form, conditions, self.density, isinstance(recipe.likelihood, Auto)))
        return self

    def sample(self, n: int = 1, condition: Any = None, seed: int | None = None, draw: bool | None = None) -> Any:
        """Return n new samples, in the form of those in training.

        Parameters
        ----------
        n : int
            How many.
        condition : label, number or n of them, optional
            What is to be known about them; by default that of training samples, drawn.
        seed : int, optional
            The same seed gives the same samples on the same machine.
        draw : bool, optional
            Whether samples are drawn from the likelihood, with all the noise of real ones, or are the expected ones
            for their codes; by default rows of tables and series are drawn, and images and series whose likelihood
            has a fixed noise, such as `SquaredError`, expected.

        Raises
        ------
        DataError
            If the condition is not as in training.
        ParameterError
            If n, the seed or `draw` is not allowed.
        """
        check_is_fitted(self)
        demand("n", "sample", n, Whole(1))
        demand("seed", "sample", seed, _SEED)
        demand("draw", "sample", draw, Maybe(Flag(), "as suits the samples"))
        chosen = int(check_random_state(seed).randint(2**31 - 1))
        return self._back(drawing.drawn(self._fitted, self._known, int(n), condition, chosen, draw), chosen)

    def transform(self, X: Any, condition: Any = None) -> NDArray[Any]:
        """Return the codes (N, n_components) of X; `encode` is the same."""
        check_is_fitted(self)
        return self._encoded(numbers_of(self, self.form_, X), condition)

    encode = transform

    def inverse_transform(self, X: Any, condition: Any = None) -> Any:
        """Return the expected samples for codes X (N, n_components), in the form of those in training.

        `decode` is the same.

        Raises
        ------
        DataError
            If the codes have the wrong shape, or the condition is not as in training.
        """
        check_is_fitted(self)
        X = gathered(read(X))
        codes = Form.of(X).array(X)
        if codes.ndim != 2 or codes.shape[1] != self.model_.n or not np.isfinite(codes).all():
            raise DataError(f"Codes must be finite and have shape (N, {self.model_.n}); got {codes.shape}.")
        return self._decoded_back(codes, condition)

    decode = inverse_transform

    def reconstruct(self, X: Any, condition: Any = None) -> Any:
        """Return X by way of its codes, in the form of training samples; rows of pandas keep their index."""
        check_is_fitted(self)
        X = read(X)
        numbers = numbers_of(self, self.form_, X)
        told = drawing.told(self.conditions_, condition, len(numbers))
        rebuilt = self._back(drawing.rebuilt(self._blocks(numbers), told, len(numbers), self.scaling_))
        forms = Form.of(X), Form.of(rebuilt)
        return rebuilt.set_axis(X.index) if all(isinstance(form, PandasForm) for form in forms) else rebuilt

    def interpolate(self, a: Any, b: Any, steps: int = 8, condition: Any = None, path: str = "linear") -> Any:
        """Return samples (steps, ...) on the way from sample a to sample b, both ends included.

        Parameters
        ----------
        a, b : sample
            Each as it is, or as a batch of one.
        steps : int
            How many.
        condition : label or number, optional
            What is known about both.
        path : {"linear", "spherical"}
            Through the codes in a straight line, or along an arc, on which codes are as long as those that a normal
            prior gives (White, "Sampling generative networks", 2016).
        """
        check_is_fitted(self)
        walks.demand_way(steps, path)
        start, end = (self._encoded(one_of(self, self.form_, sample), condition)[0] for sample in (a, b))
        return self._decoded_back(walks.between(start, end, steps, path), condition)

    def traverse(
        self, x: Any = None, dimension: int = 0, values: Sequence[float] | None = None, condition: Any = None
    ) -> Any:
        """Return samples of which one dimension of the code goes through `values`, the others staying as they are.

        Parameters
        ----------
        x : sample, optional
            Whose code it is, as it is or as a batch of one; by default the mean of those in training.
        dimension : int
            Which.
        values : sequence of float, optional
            What it takes; by default seven values from -2.5 to 2.5 standard deviations of training codes.
        condition : label or number, optional
            What is known about the sample.
        """
        check_is_fitted(self)
        levels = walks.levels(self.codes_, dimension, values)
        code = self.codes_[0] if x is None else self._encoded(one_of(self, self.form_, x), condition)[0]
        return self._decoded_back(walks.along(code, dimension, levels), condition)

    def log_likelihood(self, X: Any, samples: int = 100, condition: Any = None, seed: int = 0) -> NDArray[np.float64]:
        """Return log p(x) of each sample (N,) in nats, from below, by so many codes drawn for each.

        The density is one of samples in units of the user; see `diabolo.generation.evidence` for the bound. A quantised
        code is the only one of its sample: the bound is that of its tokens and of the sample given them.

        Raises
        ------
        CapabilityError
            If the latent has no densities, or those of its own prior while codes are drawn from another one.
        """
        return self._terms(X, samples, condition, seed)[0]

    def evidence(self, X: Any, samples: int = 100, condition: Any = None, seed: int = 0) -> dict[str, float]:
        """Return means over X in nats, from "log_likelihood" and its "standard error" to "distortion" and "rate".

        The standard error is that of the mean over the samples. "bits per number" are bits of minus the log likelihood
        for each number of a sample, what is called bits per dimension.
        """
        return summary(self._terms(X, samples, condition, seed).tolist(), int(np.prod(self._given)))

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean log likelihood of X in nats, given y if it was fitted with one; the higher, the better."""
        check_is_fitted(self)
        return float(self.log_likelihood(X, condition=None if self.conditions_ is None else y).mean())

    def report(self, X: Any, y: Any = None) -> Page:
        """Return a page with new samples, reconstructions, traversals, and what the code holds.

        Parameters
        ----------
        X : array, data frame, tensor or path
            Samples to rebuild and to score; best some that were not trained on. Of many, 1,000 are taken.
        y : array of (N,), optional
            What is known about them, if the generator was fitted with y; else their colour in the map of the code.
        """
        check_is_fitted(self)
        return report(self, X, y)

    def facts(self) -> dict[str, Any]:
        """Return what is worth knowing of the fitted estimator, as plain JSON."""
        return super().facts() | self._known.facts()

    def check_parameters(self) -> Recipe:
        recipe = super().check_parameters()
        demand("density", type(self).__name__, self.density, Maybe(Some("priors"), "the latent's own prior"))
        if self.density is not None:
            self.density.check()
            demand_tokens(self.density, recipe, self.n_components)
        if not recipe.net.decodes_alone:
            raise ParameterError(
                f"Parameter 'recipe' of {type(self).__name__} must have a net that decodes codes alone, such as "
                f"Conv(); got {type(recipe.net).__name__}, whose decoder needs the encoder's skips."
            )
        return recipe

    @property
    def _given(self) -> Shape:
        return self.shape_ if isinstance(self.form_, Arrays) else (len(self.form_.columns),)

    @property
    def _known(self) -> Known:
        return Known(
            form=self.form_,
            conditions=self.conditions_,
            codes=self.codes_,
            kl=self.kl_,
            collapsed=self.collapsed_,
            density_part=self.density_part_,
            density=self.density_,
            columns=self.columns_,
        )

    def _take_up(self, known: Known) -> None:
        """Take up what is known besides the model: nothing else sets these attributes."""
        self.form_, self.conditions_ = known.form, known.conditions
        self.codes_, self.kl_, self.collapsed_ = known.codes, known.kl, known.collapsed
        self.density_part_, self.density_, self.columns_ = known.density_part, known.density, known.columns

    @property
    def _n_features_out(self) -> int:
        return self.n_components

    def _terms(self, X: Any, samples: int, condition: Any, seed: int) -> NDArray[np.float64]:
        check_is_fitted(self)
        demand("seed", "log_likelihood", seed, Whole(0, 2**32 - 1))
        numbers = numbers_of(self, self.form_, X)
        return drawing.likelihoods(self._fitted, self._known, numbers, condition, samples, seed)

    def _encoded(self, numbers: NDArray[Any], condition: Any) -> NDArray[Any]:
        told = drawing.told(self.conditions_, condition, len(numbers))
        return drawing.codes(self._blocks(numbers), told, len(numbers))

    def _decoded_back(self, codes: NDArray[Any], condition: Any) -> Any:
        told = drawing.told(self.conditions_, condition, len(codes))
        return self._back(drawing.decoded(self._fitted, codes, told))

    def _back(self, numbers: NDArray[Any], seed: int = 0) -> Any:
        if isinstance(self.form_, Arrays):
            return self.form_.back(numbers)
        return self.form_.back(numbers, np.random.default_rng(seed))

    def _more(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        return self._known.saved()

    def _restore(self, plain: dict[str, Any], arrays: dict[str, Tensor]) -> None:
        self._take_up(Known.from_saved(plain, arrays, self.model_, self.n_features_in_, self.collapsed_))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        mixed = isinstance(named(self.recipe).likelihood, Auto)  # each column has a likelihood of its own
        tags.input_tags.allow_nan = tags.input_tags.string = tags.input_tags.categorical = mixed
        if tags.transformer_tags is not None:
            tags.transformer_tags.preserves_dtype = []
        return tags
