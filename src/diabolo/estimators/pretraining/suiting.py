"""What suits the samples where a recipe, or a tuning, leaves it open: noise, precision, the size of the code."""

from __future__ import annotations

import math

import torch

from diabolo.corruptions import Chain, Corruption, GaussianNoise, Masking, MaskPatches, SwapNoise
from diabolo.corruptions.affine import Affine
from diabolo.corruptions.cells import Cells
from diabolo.data import Schema
from diabolo.estimators.tabular import suited
from diabolo.flow import Shape
from diabolo.latents import Plain
from diabolo.model import Recipe
from diabolo.nets import Linear
from diabolo.training.device import brief


def composed(recipe: Recipe, shape: Shape, schema: Schema | None) -> Recipe:
    """Return the recipe with noise where nothing else keeps it from copying, and of the cells of a table.

    Raises
    ------
    ParameterError
        If its likelihood is not one of the columns of the table.

    Examples
    --------
    >>> composed(Recipe(), (1, 28, 28), None).corruption
    MaskPatches(share=0.5)
    """
    bare = recipe.corruption is None and not recipe.penalties and recipe.pretraining is None
    if bare and isinstance(recipe.latent, Plain) and not isinstance(recipe.net, Linear):
        recipe = recipe.revise(corruption=_hiding(shape))
    if schema is None:
        return recipe
    recipe = suited(recipe, schema)
    return recipe if recipe.corruption is None else recipe.revise(corruption=of_cells(recipe.corruption, schema))


def of_cells(corruption: Corruption, schema: Schema) -> Corruption:
    """Return a corruption of the cells of a table in place of the columns that they are encoded by, where it is one.

    Examples
    --------
    >>> from diabolo.data import Field
    >>> schema = Schema((Field("0", "number"), Field("1", "category", categories=("Oslo", "Rome"))))
    >>> of_cells(SwapNoise(0.2), schema)
    Cells(of=SwapNoise(share=0.2), columns=(1, 3))
    """
    if isinstance(corruption, Chain):
        return Chain(tuple(of_cells(part, schema) for part in corruption.parts))
    widths = tuple(field.width for field in schema.fields)
    if max(widths) == 1 or not isinstance(corruption, SwapNoise | Masking | MaskPatches):
        return corruption
    return Cells(corruption, widths)


def views(shape: Shape, schema: Schema | None) -> tuple[Corruption | None, Corruption]:
    """Return noise that labelled samples bear, if any, and much noise under which a class is still the same.

    Examples
    --------
    >>> views((30,), None)
    (None, SwapNoise())
    """
    return Affine() if len(shape) == 3 else None, _strong(shape, schema)


GENTLE = GaussianNoise(0.1)
"""Noise under which a quantity is nearly the same: another place, or a cell of another row, may change it."""


def _strong(shape: Shape, schema: Schema | None) -> Corruption:
    if len(shape) == 3:
        side = max(1, min(shape[1:]) // 7)
        return Chain((Affine(0.1, 15.0, 0.15), MaskPatches(0.15, side)))
    if len(shape) == 2:
        return Chain((GaussianNoise(0.1), MaskPatches(0.15, max(1, shape[0] // 16))))
    return SwapNoise() if schema is None else of_cells(SwapNoise(), schema)


def size_of_code(shape: Shape) -> int:
    """Return how many numbers a code has if nobody says it: as many as a sample, from 8 to 64.

    Examples
    --------
    >>> size_of_code((5,)), size_of_code((30,)), size_of_code((1, 28, 28))
    (8, 30, 64)
    """
    return min(max(math.prod(shape), 8), 64)


def precision(shape: Shape, device: torch.device) -> str:
    """Return the precision in which nets for such samples are fastest."""
    return brief(device) if len(shape) == 3 else "auto"


def _hiding(shape: Shape) -> Corruption:
    if len(shape) == 1:
        return SwapNoise()
    if len(shape) == 2:
        return MaskPatches(0.5, max(1, shape[0] // 16))
    return MaskPatches(0.5, max(1, min(shape[1:]) // 7))
