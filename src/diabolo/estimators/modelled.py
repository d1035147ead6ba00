"""A fitted model as a file has it: what goes into the document and the arrays, and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from diabolo import files
from diabolo.check import shorten
from diabolo.data import Scaling
from diabolo.data.scaling import per_channel
from diabolo.errors import FileError
from diabolo.estimators.fitted import FittedModel
from diabolo.flow import Shape
from diabolo.model import Autoencoder, Recipe
from diabolo.outline import outline
from diabolo.part import from_json
from diabolo.seeding import seeded
from diabolo.shallow import PCA
from diabolo.training import History, resolve


def document(fitted: FittedModel, columns: int, names: Sequence[object] | None) -> dict[str, Any]:
    """Return what was learned of samples of so many columns, of these names if they have any, as plain JSON."""
    model = fitted.model
    return {
        "recipe": model.recipe.to_json(),
        "shape": list(model.shape),
        "target": list(model.target),
        "code": model.n // model.recipe.net.code(model.shape, 1),
        "features": columns,
        "feature_names": None if names is None else [str(name) for name in names],
        "history": fitted.history.to_json(),
    }


def arrays(fitted: FittedModel) -> dict[str, Tensor]:
    """Return the weights, the scaling, and PCA where it is kept."""
    found = {f"model.{name}": value for name, value in fitted.model.state_dict().items()}
    found |= {f"scaling.{name}": torch.as_tensor(value) for name, value in fitted.scaling.arrays().items()}
    if fitted.pca is not None:
        found |= {f"pca.{name}": getattr(fitted.pca, name) for name in ("mean", "components", "variances")}
    return found


def rebuilt(
    document: dict[str, Any], arrays: dict[str, Tensor], n_components: int | None, device: str, beside_pca: bool
) -> tuple[FittedModel, int, NDArray[Any] | None]:
    """Return what `document` and `arrays` describe: the model, how many columns samples have, and their names.

    Raises
    ------
    FileError
        If they describe nothing that could have been learned.
    """
    shape, recipe = _shape(document["shape"]), _recipe(document["recipe"])
    n, columns = _whole(document.get("code", n_components)), _whole(document.get("features", shape[0]))
    target = _shape(document.get("target", document["shape"]))
    whole, wide = recipe.net.code(shape, n), math.prod(shape)
    beside = {"pca.mean": (wide,), "pca.components": (whole, wide)} if beside_pca else {}
    model = _model(recipe, n, shape, target, arrays, beside).to(resolve(device))
    scaling, history = _scaling(files.under("scaling.", arrays), shape), History.from_json(document["history"])
    pca = PCA(**files.under("pca.", arrays)) if beside_pca else None
    names = document["feature_names"]
    known = None if names is None else _feature_names(names, columns)
    return FittedModel(model, scaling, history, pca), columns, known


def _model(
    recipe: Recipe, n: int, shape: Shape, target: Shape, arrays: dict[str, Tensor], beside: dict[str, Shape]
) -> Autoencoder:
    """Return the model, once the arrays are known to be its weights and those `beside` it, of these shapes."""
    weights = files.under("model.", arrays)
    condition = weights.get("conditioner.map.weight", torch.empty(0, 0)).shape[1:].numel()
    with outline():  # costs nothing, however large the file says the model is
        sizes = recipe.build(shape, n, condition, target).state_dict()
    expected = {f"model.{name}": tuple(value.shape) for name, value in sizes.items()} | beside
    shapes = dict.fromkeys(("scaling.shift", "scaling.scale", *(["pca.variances"] if beside else [])))
    others = {name for name in arrays if name in shapes or name.startswith("job.")}
    files.match(expected, {name: value for name, value in arrays.items() if name not in others})
    with seeded(0):
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
