"""Recommendation: items for users, those who come later included."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from diabolo.check import Maybe, Whole, demand, shorten
from diabolo.data import Interactions
from diabolo.data.events import gathered
from diabolo.errors import DataError, ParameterError
from diabolo.estimators.job import Job
from diabolo.estimators.recommendation import cold, judging, keeping, learning
from diabolo.estimators.recommendation.asking import Asked, Recommended, chosen, ids_of, named
from diabolo.estimators.recommendation.rated import Threshold, warn_of_ratings
from diabolo.estimators.recommendation.recommended import report
from diabolo.estimators.unchanged import all_or_nothing
from diabolo.metrics import Ranking
from diabolo.model import Recipe
from diabolo.rankers import Ranker, Scorer, Setting, named_ranker
from diabolo.rankers.ranker import Matrix
from diabolo.rankers.top import best
from diabolo.report import Page
from diabolo.training import Callback, History, Training, resolve

Array = NDArray[Any]

_USUAL = 10
"""How many items are recommended unless something else is asked for."""


class Recommender(Job):
    """Recommendation with autoencoders of histories, solved or trained: items for users, known and new.

    Parameters
    ----------
    n_components : int, optional
        Size of the code, where the model has one; chosen by it if not given.
    model : Ranker, Recipe or str
        What learns, or the name of one, see ``diabolo rankers``: "auto", "ease", "edlae", "neighbourhood", "low-rank",
        "mult-vae", ...; a `Recipe` is trained. What a model leaves open is chosen by users held out.
    threshold : float, None or "auto"
        Makes likes of ratings: interactions whose weight reaches it count 1, others are left out. None: weights count
        as they are. "auto" is None, with a warning where they look like ratings.
    training : Training, optional
        How a model with a net is trained; what it leaves open is as suits histories. Its `validation` is the share of
        users held out to choose by.
    random_state : int, RandomState or None
        Decides who is held out, and what is drawn at random.
    device : str
        "auto", "cpu", "cuda", "cuda:1", "mps".

    Attributes
    ----------
    ranker_ : Ranker
        The model with what was left open chosen.
    scorer_ : Scorer
        What it learned.
    interactions_ : Interactions
        What was learned from, with the ids of users and items.
    likeness_ : csr_array (I, I) or None
        Of items with features: how much each known one is like each that nobody has taken yet.
    item_embeddings_ : ndarray (I, n)
        A vector for each item, in the order of ``interactions_.items.names``.
    history_ : History
        How a net was trained: a row per epoch.

    Notes
    -----
    X may be a data frame of pandas or polars, or the path of a file of one, with a row for each interaction: user,
    item and, if there are, weight and time, in columns known by their names; or a sparse matrix of users by items.

    Examples
    --------
    >>> likes = [["bread", "butter"], ["bread", "butter", "jam"], ["nails", "hammer"], ["nails", "hammer", "saw"]]
    >>> import pandas as pd
    >>> X = pd.DataFrame([(user, item) for user, items in enumerate(likes) for item in items], columns=["user", "item"])
    >>> recommender = Recommender(model="ease").fit(X)
    >>> recommender.recommend([0], n=1).items
    array([['jam']], dtype=object)
    >>> recommender.recommend([["hammer"], ["butter"]], n=1).items  # histories of users who are new
    array([['nails'],
           ['bread']], dtype=object)
    """

    verbs = ("recommend", "transform")
    sizes = Maybe(Job.sizes, "chosen by the model")
    composition = "model"

    ranker_: Ranker
    scorer_: Scorer
    interactions_: Interactions
    likeness_: Any  # csr_array (I, I) or None
    n_features_in_: int

    def __init__(
        self,
        n_components: int | None = None,
        *,
        model: Ranker | Recipe | str = "auto",
        threshold: float | str | None = "auto",
        training: Training | None = None,
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
    ) -> None:
        self.n_components = n_components
        self.model = model
        self.threshold = threshold
        self.training = training
        self.random_state = random_state
        self.device = device

    @all_or_nothing
    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        features: Any = None,
        callbacks: Sequence[Callback] = (),
        checkpoint: str | PathLike[str] | None = None,
    ) -> Self:
        """Learn which items go together.

        Parameters
        ----------
        X : data frame, sparse matrix (U, I) or path
            Interactions.
        y : ignored
            Here for scikit-learn.
        features : data frame (J, 1 + F), optional
            Ids of items, then what is known of them: numbers, text, booleans, dates. Items that nobody has taken yet
            are recommended where those most like them are.
        callbacks, checkpoint
            Watch and keep the training of a net.

        Raises
        ------
        ParameterError
            If a parameter is not allowed.
        DataError, DataTypeError
            If X holds no interactions, or it is not clear which; see `Interactions.of` of `diabolo.data`.
        CapabilityError
            If what the model needs would not fit into memory.

        Warns
        -----
        DiaboloWarning
            If weights look like ratings, and `threshold` does not say what they are.
        """
        ranker = self.check_parameters()
        interactions, likeness = Interactions.of(X, self.least), None
        if self.threshold == "auto":
            warn_of_ratings(interactions.matrix.data)
        if features is not None:
            interactions, likeness = cold.beside(interactions, features)
        self.ranker_, scorer = learning.learned(ranker, interactions.matrix, self._setting(callbacks, checkpoint))
        self.keep(interactions, scorer, likeness)
        return self

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """Learn from further interactions, of users and items known or new; what was chosen on `fit` stays.

        Parameters
        ----------
        X : data frame, sparse matrix (U, I) or path
            Interactions that came since.

        Raises
        ------
        ParameterError, DataError, DataTypeError
            As for `fit`.
        """
        if not hasattr(self, "scorer_"):
            return self.fit(X, y)
        self.check_parameters()
        more = Interactions.of(X, self.least, some=False)
        before, now = learning.joined(self.interactions_, more, self.least is None)
        likeness = (
            self.likeness_ if self.likeness_ is None else cold.kept(self.likeness_, self.interactions_.items, now)
        )
        known = self.scorer_.scorer if isinstance(self.scorer_, cold.Cold) else self.scorer_
        self.keep(now, self.ranker_.relearn(known, before, now.matrix, self._setting()), likeness)
        return self

    def recommend(
        self,
        users: Any,
        n: int | None = None,
        *,
        exclude_seen: bool = True,
        candidates: Any = None,
        exclude: Any = None,
    ) -> Any:
        """Return the `n` best items for each user; for one who has none of those known, the most popular ones.

        Parameters
        ----------
        users : ids (B,), data frame, sparse matrix (B, I), or list of lists
            Who asks: users of `fit` by their ids, which may be the one column of a frame, or anyone by his history.
        n : int, optional
            How many items; 10, or all where there are fewer.
        exclude_seen : bool
            Leave out what a user has, liked or not.
        candidates, exclude : ids, optional
            The only items to choose from, and items to leave out; those not known count as not there.

        Returns
        -------
        Recommended, or data frame
            Ids and scores, (B, n) each; for users in a frame a frame with columns user, item, score and rank.

        Raises
        ------
        ParameterError
            If there are not so many items, or none to choose from.
        DataError
            If a user is not known by his id.
        """
        check_is_fitted(self)
        asked = Asked.of(self, users)
        among = self._among(candidates, exclude)
        n = _counted("recommend", n, self._items, len(among))
        numbers, scores = chosen(self, asked, n, exclude_seen, among)
        return asked.answer(self.interactions_.items, numbers, scores)

    def similar_items(self, items: Any, n: int | None = None) -> Recommended:
        """Return the `n` items most like each of some items, itself left out.

        Parameters
        ----------
        items : ids (B,)
            Which.
        n : int, optional
            How many; 10, or all where there are fewer.

        Raises
        ------
        DataError
            If one is not known.
        CapabilityError
            If the model does not tell items apart by who has them.
        """
        check_is_fitted(self)
        n = _counted("similar_items", n, others := max(self._items - 1, 1), others)
        items = self._known(np.atleast_1d(np.asarray(ids_of(items))))
        numbers, scores = np.full((len(items), n), -1), np.full((len(items), n), -np.inf, np.float32)
        for i, item in enumerate(items):
            similar = self.scorer_.similar(int(item)).copy()
            similar[item] = -np.inf
            numbers[i : i + 1], scores[i : i + 1] = best(similar[None], n)
        return Recommended(named(self.interactions_.items, numbers), scores)

    def explain(self, user: Any, item: Any, n: int = 10) -> Recommended:
        """Return which of the items that a user has speak most for an item, and how much.

        Of linear models all reasons sum to the score; of others each is what the score loses without that item.

        Parameters
        ----------
        user : id, list of ids, data frame or sparse matrix (1, I)
            A user of `fit`, or a history: one user's.
        item : id
            What is recommended.
        n : int
            How many reasons, at most.

        Raises
        ------
        DataError
            If user or item is not known, or there is more than one user.
        """
        check_is_fitted(self)
        demand("n", "explain", n, Whole(1))
        history = Asked.one(self, user).histories
        reasons = self.scorer_.reasons(history, int(self._known(np.array([item]))[0]))
        order = np.argsort(-reasons, kind="stable")[:n]
        return Recommended(named(self.interactions_.items, history.indices[order])[None], reasons[order][None])

    def transform(self, X: Any) -> Array:
        """Return the codes of users (B, n), given by their ids or histories.

        Raises
        ------
        CapabilityError
            If the model has no codes.
        """
        check_is_fitted(self)
        return self.scorer_.codes(Asked.of(self, X).histories, self.n_components)

    @property
    def item_embeddings_(self) -> Array:
        """A vector for each item (I, n), whose products with codes of users are about the scores of a linear model."""
        check_is_fitted(self)
        return self.scorer_.embeddings(self.n_components)

    def evaluate(self, X: Any, y: Any = None, *, at: Sequence[int] = (20, 50, 100)) -> Ranking:
        """Return how good the recommendations for users are, who should not have been learned from.

        Parameters
        ----------
        X : data frame, sparse matrix (B, I), or list of lists
            Histories.
        y : the same, optional
            What the same users took besides; a random fifth of each history if not given.
        at : sequence of int
            Lengths of the lists; of the whole catalogue, where that is shorter.

        Returns
        -------
        Ranking
            Recall, NDCG and more, with standard errors over users; ``.table()`` for rows.

        Raises
        ------
        DataError
            If no user has a history and something besides.

        Warns
        -----
        DiaboloWarning
            If what is to be found was learned from: `fit` had these users.
        """
        check_is_fitted(self)
        return judging.judged(self, self.scorer_, *judging.parts(self, X, y), at)

    def score(self, X: Any, y: Any = None) -> float:
        """Return the mean NDCG@100 of recommendations, see `evaluate`; larger is better."""
        return self.evaluate(X, y, at=(min(100, self._items),)).mean("ndcg")

    def report(self, X: Any, y: Any = None) -> Page:
        """Return a page that shows how good recommendations are, beside popularity, and some of them."""
        check_is_fitted(self)
        return report(self, X, y)

    @property
    def history_(self) -> History:
        """How a net was trained."""
        return self.scorer_.history

    @staticmethod
    def opened(source: Any) -> Any:
        """Return what a path names, as `fit` and the verbs take it: a data frame, or the sparse matrix of an .npz."""
        return gathered(source)

    @property
    def schedule(self) -> Training:
        """How a net is trained; what it leaves open is as suits histories."""
        return self.training or Training()

    @property
    def least(self) -> float | None:
        """The weight from which on interactions are likes; None where weights count as they are."""
        return None if self.threshold is None or isinstance(self.threshold, str) else self.threshold

    @staticmethod
    def compose(said: Any) -> Ranker:
        """Return the ranker of a name, or as written out, or as it is; of a recipe the one that trains it."""
        return named_ranker(said)

    def check_parameters(self) -> Ranker:
        """Return the ranker, once every parameter is known to be allowed."""
        demand("threshold", type(self).__name__, self.threshold, Threshold())
        return super().check_parameters()

    def facts(self) -> dict[str, Any]:
        """Return what is worth knowing of the fitted estimator, as plain JSON."""
        users, items = self.interactions_.matrix.shape
        return {
            "model": shorten(self.ranker_, 500),
            "scores": self.ranker_.equation(),
            "users": users,
            "items": items,
            "interactions": int(self.interactions_.matrix.nnz),
            **self.history_.facts(),
        }

    def document(self) -> dict[str, Any]:
        """Return what was learned as plain JSON, to save."""
        return keeping.document(self)

    def arrays(self) -> dict[str, Tensor]:
        """Return the arrays of what was learned, to save."""
        return keeping.arrays(self)

    def rebuild(self, document: dict[str, Any], arrays: dict[str, Tensor]) -> None:
        """Take up what `document` and `arrays` gave."""
        keeping.rebuild(self, document, arrays)

    def _setting(self, callbacks: Sequence[Callback] = (), checkpoint: str | PathLike[str] | None = None) -> Setting:
        device = resolve(self.device)
        return Setting(self.n_components, self.training, self._seed(), device, callbacks, checkpoint)

    def keep(self, interactions: Interactions, scorer: Scorer, likeness: Matrix | None) -> None:
        """Take up what was learned: from whom, what, and how items are alike by their features, if they have any."""
        self.interactions_, self.likeness_, self.n_features_in_ = interactions, likeness, len(interactions.items)
        self.scorer_ = scorer if likeness is None else cold.Cold(scorer, likeness)

    @property
    def _items(self) -> int:
        return len(self.interactions_.items)

    def _known(self, items: Array) -> Array:
        """Return the numbers of items that must be known."""
        numbers = self.interactions_.items.find(items, "Items")
        if (numbers < 0).any():
            lost = np.asarray(items)[numbers < 0].tolist()[0]
            raise DataError(f"There is no item {lost!r} among the {self._items} known; check its id.")
        return numbers

    def _among(self, candidates: Any, exclude: Any) -> Array:
        """Return the numbers of the items to choose from."""
        kept = np.ones(self._items, dtype=bool)
        if candidates is not None:
            kept[:] = False
            numbers = self.interactions_.items.find(candidates, "Items")
            kept[numbers[numbers >= 0]] = True
        if exclude is not None:
            numbers = self.interactions_.items.find(exclude, "Items")
            kept[numbers[numbers >= 0]] = False
        if not kept.any():
            raise ParameterError("Parameters 'candidates' and 'exclude' of recommend leave no item; name known ones.")
        return np.flatnonzero(kept)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "scorer_")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.sparse = False, True
        return tags


def _counted(verb: str, n: int | None, most: int, there: int) -> int:
    """Return how many items are asked for: of those there, the usual number if nothing is said."""
    demand("n", verb, n, Maybe(Whole(1, most), f"{_USUAL}, or all where there are fewer"))
    return min(_USUAL, there) if n is None else int(n)
