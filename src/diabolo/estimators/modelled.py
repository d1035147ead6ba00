"""The autoencoder of an estimator as a file has it: what goes into the document and the arrays, and back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from diabolo import files
from diabolo.check import shorten
from diabolo.data import Scaling
from diabolo.data.scaling import per_channel
from diabolo.errors import FileError
from diabolo.flow import Shape
from diabolo.model import Autoencoder, Recipe
from diabolo.part import from_json
from diabolo.shallow import PCA
from diabolo.training import History, resolve

if TYPE_CHECKING:
    from diabolo.estimators.base import Estimator


def document(estimator: Estimator) -> dict[str, Any]:
    """Return what was learned as plain JSON."""
    names = getattr(estimator, "feature_names_in_", None)
    return {
        "recipe": estimator.recipe_.to_json(),
        "shape": list(estimator.shape_),
        "target": list(estimator.model_.target),
        "code": estimator.model_.n // estimator.recipe_.net.code(estimator.shape_, 1),
        "features": estimator.n_features_in_,
        "feature_names": None if names is None else [str(name) for name in names],
        "history": estimator.history_.to_json(),
    }


def arrays(estimator: Estimator) -> dict[str, Tensor]:
    """Return the weights, the scaling, and PCA where it is kept."""
    found = {f"model.{name}": value for name, value in estimator.model_.state_dict().items()}
    found |= {f"scaling.{name}": torch.as_tensor(value) for name, value in estimator.scaling_.arrays().items()}
    if estimator.beside_pca:
        found |= {f"pca.{name}": getattr(estimator.pca_, name) for name in ("mean", "components", "variances")}
    return found


def rebuild(estimator: Estimator, document: dict[str, Any], arrays: dict[str, Tensor]) -> None:
    """Give an estimator what `document` and `arrays` describe.

    Raises
    ------
    FileError
        If they describe nothing that could have been learned.
    """
    shape = _shape(document["shape"])
    estimator.recipe_ = _recipe(document["recipe"])
    n, features = _whole(document.get("code", estimator.n_components)), _whole(document.get("features", shape[0]))
    if estimator.n_components not in (None, n):
        raise FileError(f"its code has {n} numbers, but its n_components is {shorten(estimator.n_components)}")
    target = _shape(document.get("target", document["shape"]))
    whole, wide = estimator.recipe_.net.code(shape, n), math.prod(shape)
    beside = {"pca.mean": (wide,), "pca.components": (whole, wide)} if estimator.beside_pca else {}
    model = _model(estimator.recipe_, n, shape, target, arrays, beside)
    estimator.model_ = model.to(resolve(estimator.device)).eval()
    estimator.scaling_ = _scaling(files.under("scaling.", arrays), shape)
    if estimator.beside_pca:
        estimator.pca_ = PCA(**files.under("pca.", arrays))
    estimator.shape_, estimator.n_features_in_ = shape, features
    if document["feature_names"] is not None:
        estimator.feature_names_in_ = _feature_names(document["feature_names"], features)
    estimator.history_ = History.from_json(document["history"])
    estimator.n_iter_ = max(1, len(estimator.history_))


def _model(
    recipe: Recipe, n: int, shape: Shape, target: Shape, arrays: dict[str, Tensor], beside: dict[str, Shape]
) -> Autoencoder:
    """Return the model, once the arrays are known to be its weights and those `beside` it, of these shapes."""
    weights = files.under("model.", arrays)
    condition = weights.get("conditioner.map.weight", torch.empty(0, 0)).shape[1:].numel()
    with torch.device("meta"):  # costs nothing, however large the file says the model is
        sizes = recipe.build(shape, n, condition, target).state_dict()
    expected = {f"model.{name}": tuple(value.shape) for name, value in sizes.items()} | beside
    shapes = dict.fromkeys(("scaling.shift", "scaling.scale", *(["pca.variances"] if beside else [])))
    others = {name for name in arrays if name in shapes or name.startswith("job.")}
    files.match(expected, {name: value for name, value in arrays.items() if name not in others})
    with torch.random.fork_rng([]):
        model = recipe.build(shape, n, condition, target)
    model.load_state_dict(weights)
    return model


def _scaling(arrays: dict[str, Tensor], shape: Shape) -> Scaling:
    scaling = Scaling.from_arrays({name: value.numpy() for name, value in arrays.items()})
    expected = per_channel(shape)
    if scaling.shift.shape != expected:
        raise FileError(
            f"its scaling has the shape {scaling.shift.shape} where samples of shape {shape} need {expected}"
        )
    return scaling


def _recipe(value: Any) -> Recipe:
    recipe = from_json(value)
    if not isinstance(recipe, Recipe):
        raise FileError(f"its recipe is {shorten(recipe)}")
    return recipe


def _whole(value: Any) -> int:
    if type(value) is not int or not 1 <= value <= 2**31:
        raise FileError(f"its sizes hold {shorten(value)} where a whole number is due")
    return value


def _shape(value: Any) -> Shape:
    sizes = isinstance(value, list) and all(type(size) is int and size > 0 for size in value)
    if not sizes or not 1 <= len(value) <= 3 or math.prod(value) > 2**31:
        raise FileError(f"its samples have the impossible shape {shorten(value)}")
    return tuple(value)


def _feature_names(value: Any, count: int) -> np.ndarray:
    if not isinstance(value, list) or len(value) != count or not all(isinstance(name, str) for name in value):
        raise FileError(f"its columns have the impossible names {shorten(value)}")
    return np.asarray(value, dtype=object)
