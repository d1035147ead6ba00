"""What every job shares, whatever it learns from: parameters, files, what the command line asks of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, ClassVar, Self, cast

from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from diabolo.check import Allowed, Whole, demand, shorten, unknown
from diabolo.data import read
from diabolo.errors import ParameterError
from diabolo.estimators.files import ESTIMATORS, save
from diabolo.part import Part
from diabolo.report import Page
from diabolo.training import Callback, Training


class Job(BaseEstimator, ABC):
    """An estimator behind scikit-learn's conventions. What is learned ends in an underscore."""

    verbs: ClassVar[tuple[str, ...]]
    """Methods of X that ``diabolo apply`` offers, the usual one first."""

    row_verb: ClassVar[str | None] = None
    """The usual one where rows of a table are written, if another."""

    scalars: ClassVar[tuple[str, ...]] = ()
    """Fitted attributes that are plain JSON and travel in the model's file."""

    lacking: ClassVar[Mapping[str, Any]] = {}
    """What those are that files of older versions lack."""

    sizes: ClassVar[Allowed] = Whole(1, 2**20)
    """What `n_components` may be."""

    composition: ClassVar[str] = "recipe"
    """The parameter that says what is composed."""

    pictures: ClassVar[bool] = False
    """Whether pictures become pictures, so that files of them can be written as they were."""
    takes_missing: ClassVar[bool] = False
    """Whether tables may hold missing values."""
    pairs: ClassVar[bool] = False
    """Whether y, of the form of X, is what X is to become."""

    n_components: Any
    training: Any
    random_state: Any
    device: Any

    @abstractmethod
    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        callbacks: Sequence[Callback] = (),
        checkpoint: str | PathLike[str] | None = None,
    ) -> Self:
        """Learn from X."""

    @abstractmethod
    def report(self, X: Any, y: Any = None) -> Page:
        """Return a page that shows the fitted estimator on X."""

    @abstractmethod
    def facts(self) -> dict[str, Any]:
        """Return what is worth knowing of the fitted estimator, as plain JSON."""

    @staticmethod
    @abstractmethod
    def compose(said: Any) -> Part:
        """Return the composition of a name, or as written out, or as it is.

        Raises
        ------
        ParameterError
            If there is none of this name, or the text cannot be read.
        """

    @staticmethod
    def opened(source: Any) -> Any:
        """Return what a path names, as `fit` and the verbs take it; anything else as it is.

        Raises
        ------
        FileError
            If it cannot be read.
        """
        return read(source)

    @property
    def composed(self) -> Any:
        """The composition that is trained, whatever way it was said."""
        return self.compose(getattr(self, self.composition))

    @property
    def schedule(self) -> Training:
        """How it is trained: as said, or as suits the job."""
        return cast(Training, self.training)

    @property
    def in_parts(self) -> bool:
        """Whether rows on disk can be given part by part: each is a sample of its own."""
        return True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if hasattr(cls, "verbs"):  # else it is what several jobs share
            ESTIMATORS[cls.__name__] = cls

    def set_params(self, **params: Any) -> Self:
        """Set parameters; those of parts by path, ``recipe__latent__beta=4``.

        Parts are frozen: each path gives the estimator a revised copy.
        """
        allowed = self.get_params(deep=False)
        for path in sorted(params, key=lambda p: (p.count("__"), p)):  # 'recipe' before 'recipe__latent'
            name, _, rest = path.partition("__")
            if name not in allowed:
                raise ParameterError(
                    f"Invalid parameter {name!r} for estimator {type(self).__name__}: "
                    f"{unknown('parameter', name, allowed)}"
                )
            value = params[path]
            if rest:
                owner = {self.composition: self.composed, "training": self.schedule}.get(name, getattr(self, name))
                if not isinstance(owner, Part):
                    raise ParameterError(
                        f"Parameter {name!r} of {type(self).__name__} has no {rest!r}; it is {owner!r}."
                    )
                value = owner.revise(**{rest: value})
            setattr(self, name, value)
        return self

    def check_parameters(self) -> Any:
        """Return the composition, once every parameter is known to be allowed.

        Raises
        ------
        ParameterError
            For the first parameter that is not.
        """
        demand("n_components", type(self).__name__, self.n_components, self.sizes)
        composed = self.composed
        composed.check()
        if not isinstance(self.schedule, Training):
            owner = type(self).__name__
            raise ParameterError(f"Parameter 'training' of {owner} must be a Training; got {self.schedule!r}.")
        self.schedule.check()
        return composed

    def save(self, path: str | PathLike[str]) -> None:
        """Write the fitted estimator to a folder, or to one zip if `path` ends in ".zip"; read it with `diabolo.load`.

        Raises
        ------
        FileError
            If something other than a model of diabolo is there already.
        """
        check_is_fitted(self)
        save(self, Path(path))

    @abstractmethod
    def document(self) -> dict[str, Any]:
        """Return what was learned as plain JSON, to save."""

    @abstractmethod
    def arrays(self) -> dict[str, Tensor]:
        """Return the arrays of what was learned, to save."""

    @abstractmethod
    def rebuild(self, document: dict[str, Any], arrays: dict[str, Tensor]) -> None:
        """Take up what `document` and `arrays` gave; the parameters are set already.

        Raises
        ------
        FileError
            If they describe nothing that could have been learned.
        """

    def _more(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        """Return what the job learned besides the model, to save: plain JSON, and arrays."""
        return {}, {}

    def _restore(self, plain: dict[str, Any], arrays: dict[str, Tensor]) -> None:
        """Take up what `_more` gave."""

    def _seed(self) -> int:
        try:
            state = check_random_state(self.random_state)
        except ValueError as error:
            raise ParameterError(
                f"Parameter 'random_state' of {type(self).__name__} must be None, an integer from 0 to {2**32 - 1} or "
                f"a numpy RandomState; got {shorten(self.random_state)}."
            ) from error
        return int(state.randint(2**31 - 1))
