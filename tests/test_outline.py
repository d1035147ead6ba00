"""An outline has the shapes of a module, and costs neither random numbers nor the import of a compiler."""

import subprocess
import sys

import pytest
import torch

from diabolo.outline import outline
from diabolo.recipes import named

NAMES = ["vanilla", "vae", "conv", "lstm", "masked", "unet"]
SHAPE = (1, 16, 16)


@pytest.mark.parametrize("name", NAMES)
def test_the_shapes_are_those_of_the_module(name):
    recipe = named(name).settle(SHAPE)
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
    for name in {NAMES}:
        named(name).settle({SHAPE}).build({SHAPE}, 4)
assert "torch._dynamo" not in sys.modules
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
