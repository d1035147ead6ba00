"""How many threads a step gets: one where there is little to share."""

import pytest
import torch

from diabolo.model import Recipe
from diabolo.nets import MLP, Recurrent
from diabolo.training.device import threads


@pytest.mark.parametrize(
    ("recipe", "shape", "batch_size", "shared"),
    [
        (Recipe(MLP((64,))), (30,), 100, False),
        (Recipe(MLP((512,))), (784,), 1000, True),
        (Recipe(Recurrent(hidden=64)), (140, 1), 32, True),  # as many steps as there are points
        (Recipe(Recurrent(hidden=64)), (2, 1), 32, False),
    ],
    ids=["small", "large", "long", "short"],
)
def test_a_second_thread_is_for_large_steps(recipe, shape, batch_size, shared):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with threads(recipe.build(shape, 4), batch_size):
            assert torch.get_num_threads() == (2 if shared else 1)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
