"""Sparse features of vectors and of activations of nets: a dictionary of atoms."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice
from os import PathLike
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted
from torch import Tensor

from diabolo import files
from diabolo.check import Maybe, Whole, demand, shorten
from diabolo.data import Form, Scaling, Stored, joined, read
from diabolo.errors import CapabilityError, DataError, FileError, ParameterError
from diabolo.estimators.base import Estimator
from diabolo.estimators.dictionaries.beginning import Beginning
from diabolo.estimators.dictionaries.cards import report
from diabolo.estimators.dictionaries.codes import codes_of, csr, stacked, tensor
from diabolo.estimators.dictionaries.foreign import adopt, exported
from diabolo.estimators.dictionaries.intake import settled, unpacked
from diabolo.estimators.fitted import FittedModel
from diabolo.estimators.sources import blocks_of
from diabolo.estimators.unchanged import all_or_nothing
from diabolo.exchange import Weights
from diabolo.flow import Shape
from diabolo.metrics import fvu, sparsity
from diabolo.model import Autoencoder, Recipe
from diabolo.report import Page
from diabolo.training import Callback, History, Source, Training, resolve, train_in_stages
from diabolo.training.device import brief

Array = NDArray[Any]

TRAINING = Training(steps=2000, batch_size=1024, learning_rate=2e-3, weight_decay=0.0, validation=0.05)
"""What suits dictionaries: about two million samples, seen once if there are as many."""

_MEASURED = 4096
"""Samples that a fitted dictionary is measured on, at most."""

_AT_ONCE = 2**24
"""Entries of codes that are computed at a time: bounds the memory."""


class Dictionary(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):
    """Vectors as sums of few atoms out of many: sparse features of embeddings, and of the activations of nets.

    Parameters
    ----------
    n_components : int, optional
        Number of latents, each with an atom; by default 8 for each number of a vector.
    k : int, optional
        How many latents of a code may be active, where the recipe has such a number; by default what the recipe says,
        or 32.
    recipe : Recipe or str
        The composition, or the name of one: "top-k", "batch-top-k", "jump-relu", "gated", "matryoshka", …; see
        ``diabolo recipes``. The net is `Atoms` or another whose decoder sums atoms.
    training : Training, optional
        How it is trained; by default on about two million samples, which are seen once if there are as many.
    random_state : int, RandomState or None
        Decides initial atoms and order.
    device : str
        "auto", "cpu", "cuda", "cuda:1", "mps".

    Attributes
    ----------
    atoms_ : ndarray (n, *shape)
        In the directions of the user's space; of length 1 with the net `Atoms`, where all numbers have one scale.
    fvu_ : float
        Fraction of variance unexplained, on samples held out.
    l0_ : float
        Mean number of active latents there.
    dead_ : float
        Share of the latents that are never active there.
    recipe_, model_, history_, scaling_, shape_, n_features_in_, feature_names_in_, n_iter_
        As of `Reducer`. The scaling takes off the geometric median and divides all numbers by one.

    Notes
    -----
    X is an array of vectors (N, D), a data frame, a tensor, the path of a ``.npy``, ``.npz``, ``.csv`` or ``.parquet``
    file or folder, or an iterator of arrays (B, D), which is kept in a file while it is learned from. Files of more
    than 256 MB are read block by block. Activations of L layers, (N, L, D), make a crosscoder: one code for all layers,
    each with atoms of its own. With a `target` other than X the dictionary is a transcoder.

    References
    ----------
    Olshausen, Field, "Sparse coding with an overcomplete basis set", 1997; Bricken et al., "Towards monosemanticity",
    2023; Gao et al., "Scaling and evaluating sparse autoencoders", 2024; crosscoders: Lindsey et al., 2024;
    transcoders: Dunefsky, Chlenski, Nanda, 2024.

    Examples
    --------
    >>> from diabolo import Dictionary, Training
    >>> rng = np.random.default_rng(0)
    >>> atoms, codes = rng.normal(size=(20, 8)), rng.random((2000, 20)) * (rng.random((2000, 20)) < 0.1)
    >>> X = codes @ atoms
    >>> dictionary = Dictionary(32, k=4, training=Training(steps=300), random_state=0).fit(X)
    >>> z = dictionary.transform(X)
    >>> z.shape, z.nnz <= 4 * 2000, dictionary.fvu_ < 0.2
    ((2000, 32), True, True)
    >>> dictionary.inverse_transform(z).shape
    (2000, 8)
    """

    verbs: ClassVar[tuple[str, ...]] = ("transform", "reconstruct")
    scalars: ClassVar[tuple[str, ...]] = ("fvu_", "l0_", "dead_")
    sizes = Maybe(Whole(1, 2**24), "8 for each number of a vector")
    beside_pca: ClassVar[bool] = False

    fvu_: float | None
    l0_: float | None
    dead_: float | None
    target_scaling_: Scaling | None
    _shape: Shape

    def __init__(
        self,
        n_components: int | None = None,
        *,
        k: int | None = None,
        recipe: Recipe | str = "top-k",
        training: Training | None = None,
        random_state: int | np.random.RandomState | None = None,
        device: str = "auto",
    ) -> None:
        super().__init__(n_components, recipe=recipe, training=training, random_state=random_state, device=device)
        self.k = k

    @property
    def schedule(self) -> Training:
        """How it is trained: as said, or as suits dictionaries."""
        return TRAINING(precision=brief(resolve(self.device))) if self.training is None else self.training

    def check_parameters(self) -> Recipe:
        """Return the recipe, once every parameter is known to be allowed."""
        recipe = super().check_parameters()
        demand("k", type(self).__name__, self.k, Maybe(Whole(1), "what the recipe says, or 32"))
        if self.k is not None and not hasattr(recipe.latent, "k"):
            raise ParameterError(
                f"Parameter 'k' of Dictionary must be None for {recipe.latent!r}, which keeps no set number; got "
                f"{self.k}. Set knobs of the latent, such as recipe__latent__weight, or use recipe='top-k'."
            )
        return recipe

    @all_or_nothing
    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        target: Any = None,
        callbacks: Sequence[Callback] = (),
        checkpoint: str | PathLike[str] | None = None,
    ) -> Self:
        """Learn atoms and encoder from X; y is ignored.

        Parameters
        ----------
        X : array, data frame, tensor, path or iterator of arrays
            At least two vectors.
        y : ignored
            For the sake of pipelines.
        target : array (N, D'), optional
            What is to be rebuilt of each vector, if it is not the vector itself.
        callbacks : sequence of Callback
            Watch the training.
        checkpoint : path, optional
            A file written after every epoch; a fit that was killed goes on from it when called again.

        Raises
        ------
        DataError
            If X is not numeric, not finite, or too small, or the target is of another length.
        ParameterError
            If a parameter is not allowed.
        TrainingError
            If the loss is no longer finite.
        """
        self.check_parameters()
        with unpacked(X) as source:
            array = self._take(source, reset=True)
            wanted = None if target is None else self._wanted(target, array)
            seed = self._seed()
            start = self._begin(array, wanted, seed)
            model = self._model(start, seed)
            history = train_in_stages(
                model,
                start.sources.train,
                start.sources.held_out,
                self.schedule,
                seed=seed,
                callbacks=callbacks,
                checkpoint=checkpoint,
            )
            self._finish(model, start, history)
        return self

    def _begin(self, array: Array | Stored, wanted: Array | None, seed: int) -> Beginning:
        layers = self._shape[0] if len(self._shape) == 2 else 1
        return Beginning.of(array, wanted, layers, self.schedule.validation, seed, resolve(self.device))

    def _model(self, start: Beginning, seed: int) -> Autoencoder:
        n = self.n_components or 8 * int(np.prod(self._shape))
        return start.model(settled(self.check_parameters(), n, self.k), n, seed)

    def _finish(self, model: Autoencoder, start: Beginning, history: History) -> None:
        self._keep(FittedModel(model, start.scaling, history))
        self.target_scaling_ = start.target_scaling
        self._measure(start.sources.held_out if len(start.sources.held_out) else start.sources.few)

    @torch.inference_mode()
    def _measure(self, source: Source) -> None:
        """Keep how well some samples are rebuilt, and how many latents that takes."""
        targets, rebuilt, codes = [], [], []
        size = max(1, min(_MEASURED, _AT_ONCE // self.model_.n))
        for batch in islice(source.epoch(size, 0), max(1, _MEASURED // size)):
            code = self.model_.coded(batch.x)[0]
            targets.append(batch.x if batch.target is None else batch.target)
            rebuilt.append(self.model_.expected(self.model_.decode(code.z)))
            codes.append(csr(code.mean))
        x, y = (torch.cat(each).flatten(1).cpu().numpy() for each in (targets, rebuilt))
        used = sparsity(stacked(codes))
        self.fvu_ = fvu(x, y) if np.ptp(x, axis=0).any() else 0.0
        self.l0_, self.dead_ = used.l0, used.dead

    def transform(self, X: Any) -> Any:
        """Return the codes (N, n) of X, a ``scipy.sparse.csr_array``."""
        check_is_fitted(self)
        with unpacked(X) as source:
            return self._codes(self._take(source))

    def inverse_transform(self, X: Any) -> Array:
        """Return the vectors (N, *shape) that codes X (N, n), sparse or not, stand for, in the units of the data.

        Raises
        ------
        DataError
            If the codes have the wrong shape, or are not finite.
        """
        check_is_fitted(self)
        return self._summed(codes_of(X, self.model_.n))

    @torch.inference_mode()
    def _summed(self, codes: Any) -> Array:
        model, device, precise = self._at(codes.dtype != np.float32)
        scaling, size = self.target_scaling_ or self.scaling_, max(1, 2**22 // int(np.prod(model.target)))
        blocks = [np.zeros((0, *model.target), np.float64 if precise else np.float32)]
        for start in range(0, codes.shape[0], size):
            z = tensor(codes[start : start + size], torch.float64 if precise else torch.float32).to(device)
            blocks.append(scaling.undo(model.expected(model.decode(z)).cpu()))
        return self._formed(np.concatenate(blocks))

    def reconstruct(self, X: Any) -> Any:
        """Return X, or the target, by way of its codes: in the form of X where that is what is rebuilt."""
        check_is_fitted(self)
        with unpacked(X) as source:
            source = read(source)
            if isinstance(source, Stored):
                return joined(self.reconstruct(part) for part in source.parts())
            rebuilt = self._summed(self._codes(self._take(source)))
            return rebuilt if self.target_scaling_ is not None else Form.of(source).back(rebuilt)

    def score(self, X: Any, y: Any = None) -> float:
        """Return the share of the variance of X that survives the code, or of what X is to become, y; 1 is perfect."""
        check_is_fitted(self)
        with unpacked(X) as source:
            array = self._take(source)
            codes = self._codes(array)
            wanted = np.concatenate(list(blocks_of(array))) if self.target_scaling_ is None else self._wanted(y, array)
        rebuilt = self._summed(codes).reshape(len(wanted), -1)
        return 1 - fvu(wanted, rebuilt) if np.ptp(wanted, axis=0).any() else float(np.allclose(wanted, rebuilt))

    @property
    def atoms_(self) -> Array:
        """The atoms (n, *shape), in the directions of the user's space."""
        check_is_fitted(self)
        scaling = self.target_scaling_ or self.scaling_
        with torch.inference_mode():
            atoms = self.recipe_.net.atoms(self.model_.decoder)
        if atoms is None:
            raise CapabilityError(f"{type(self.recipe_.net).__name__} has no atoms; use the net Atoms().")
        return self._formed(atoms.detach().double().cpu().numpy() * (scaling.scale / scaling.scale.mean()))

    @classmethod
    def of(cls, weights: Weights, device: str = "auto") -> Self:
        """Return the fitted dictionary that another library made: ``Dictionary.of(diabolo.exchange.read(path))``.

        Raises
        ------
        CapabilityError
            If its codes are made in a way that no recipe has.
        """
        dictionary = cls(weights.latents, device=device)
        adopt(dictionary, weights)
        dictionary.recipe = dictionary.recipe_
        dictionary.model_.to(resolve(device))
        return dictionary

    def weights(self) -> Weights:
        """Return what was learned as other libraries keep it: ``diabolo.exchange.write(dictionary.weights(), path)``.

        Raises
        ------
        CapabilityError
            If no other library has such dictionaries.
        """
        check_is_fitted(self)
        return exported(self)

    def report(self, X: Any, y: Any = None, *, latents: Sequence[int] | None = None) -> Page:
        """Return a page on the dictionary: how latents are used, cards of some of them, how atoms lie to each other.

        Parameters
        ----------
        X : array, data frame, tensor, path or iterator of arrays
            Vectors to show it on; best some that were not learned from. Of a large file, 10,000 rows are taken.
        y : sequence of (N,), optional
            What each vector stands for, to show the samples that a latent is most active in: texts, numbers, pictures
            (C, H, W) or series (T, C). The vectors themselves where they are pictures, or else the numbers of rows.
        latents : sequence of int, optional
            Those to show cards of; by default some that are active often, middling and seldom.

        Raises
        ------
        DataError
            If y does not hold an entry for each vector.
        ParameterError
            If there is no latent of a number asked for.
        """
        check_is_fitted(self)
        return report(self, X, y, latents)

    def _take(self, X: Any, reset: bool = False) -> Array | Stored:
        """Return the user's vectors as a checked array (N, D): layers and pictures as one vector each."""
        array = super()._take(X, reset)
        if isinstance(array, Stored):
            if len(array.shape) != 2:
                raise DataError(
                    f"A file read block by block must hold vectors (N, D); got {array.shape}. Reshape them."
                )
            shape = array.shape[1:]
        else:
            shape, array = array.shape[1:], array.reshape(len(array), -1)
        if reset:
            self._shape = shape
        return array

    def _wanted(self, target: Any, given: Array | Stored) -> Array:
        if target is None:
            raise DataError("A transcoder is judged by what X is to become; give that as y.")
        if isinstance(given, Stored):
            raise DataError(
                "Parameter 'target' needs an X in memory; got vectors that are read block by block. Give X as an array."
            )
        array = Form.of(target := read(target)).array(target)
        if array.ndim != 2 or len(array) != len(given) or not np.isfinite(array).all():
            raise DataError(
                f"Parameter 'target' must be a finite array ({len(given)}, D'), a row for each of X; got {array.shape}."
            )
        return array

    @property
    def _given(self) -> Shape:
        return self._shape

    def _formed(self, vectors: Array) -> Array:
        """Return vectors (N, D) in the shape that the user's have."""
        return vectors if self.target_scaling_ is not None else vectors.reshape(-1, *self._shape)

    @torch.inference_mode()
    def _codes(self, array: Array | Stored) -> Any:
        return stacked([csr(model.coded(x)[0].mean) for x, model in self._blocks(array)])

    def _more(self) -> tuple[dict[str, Any], dict[str, Tensor]]:
        towards = self.target_scaling_
        arrays = {} if towards is None else {f"target.{k}": torch.as_tensor(v) for k, v in towards.arrays().items()}
        return {"shape": list(self._shape)}, arrays

    def _restore(self, plain: dict[str, Any], arrays: dict[str, Tensor]) -> None:
        self._shape = tuple(int(size) for size in plain["shape"])
        if math.prod(self._shape) != self.shape_[0] or not 1 <= len(self._shape) <= 3 or min(self._shape) < 1:
            raise FileError(f"its vectors have the impossible shape {shorten(plain['shape'])}")
        towards = files.under("target.", arrays)
        scaling = Scaling.from_arrays({name: value.numpy() for name, value in towards.items()}) if towards else None
        if (self.shape_ if scaling is None else scaling.shift.shape) != self.model_.target:
            raise FileError("its target and the scaling of that do not go together")
        self.target_scaling_ = scaling

    @property
    def _n_features_out(self) -> int:
        return self.model_.n

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        if tags.transformer_tags is not None:
            tags.transformer_tags.preserves_dtype = ["float32"]
        return tags
