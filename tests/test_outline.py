"""An outline has the shapes of a module, and costs neither random numbers nor the import of a compiler."""

import subprocess
import sys

import pytest
import torch

from diabolo.latents import Gaussian, TopK, VectorQuantized
from diabolo.model import Recipe
from diabolo.nets import MLP, Archetypes
from diabolo.outline import outline
from diabolo.priors import Mixture, VampPrior
from diabolo.recipes import named

SHAPE = (1, 16, 16)
RECIPES = [
    *map(named, ("vanilla", "vae", "conv", "lstm", "masked", "unet", "map", "ladder")),
    Recipe(Archetypes(), TopK(2)),
    Recipe(MLP(), Gaussian(prior=Mixture(3, covariance="full"))),
    Recipe(MLP(), Gaussian(prior=VampPrior(5))),
    Recipe(MLP(), VectorQuantized()),
]


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_shapes_are_those_of_the_module(recipe):
    recipe = recipe.settle(SHAPE)
    before = torch.get_rng_state()
    with outline():
        outlined = recipe.build(SHAPE, 4)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(weight.is_meta for weight in outlined.parameters())
    whole = recipe.build(SHAPE, 4)
    shapes = ({key: value.shape for key, value in model.state_dict().items()} for model in (outlined, whole))
    assert next(shapes) == next(shapes)


def test_the_compiler_of_torch_is_not_imported():
    code = f"""
import sys
from diabolo.outline import outline
from diabolo.recipes import named
with outline():
    for text in {list(map(repr, RECIPES))}:
        named(text).settle({SHAPE}).build({SHAPE}, 4)
assert "torch._dynamo" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
