import pytest
import torch

from diabolo.estimators.tiles import tiled
from diabolo.model import Recipe
from diabolo.nets import Local, ResUNet


@pytest.mark.parametrize(
    ("net", "shape"),
    [
        (ResUNet((3, 4), 1), (2, 101, 67)),
        (ResUNet((3, 4, 4), 1), (1, 61, 190)),
        (ResUNet((3, 4), 1, fold=3), (1, 40, 97)),
        (ResUNet((3, 4), 1, fold=1), (333, 2)),
    ],
    ids=repr,
)
@pytest.mark.parametrize("points", [1, 300, 5000])
def test_tiled_is_whole(net, shape, points):
    torch.manual_seed(0)
    model = Recipe(net).build((shape[0], 8, 8) if len(shape) == 3 else (8, shape[1]), 3).double().eval()
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    x = torch.randn(1, *shape, dtype=torch.float64)
    with torch.no_grad():
        whole = model.reconstruct(x)
        assert torch.allclose(tiled(model.reconstruct, x, net.local, points), whole, rtol=1e-9, atol=1e-9)


def test_with_less_of_a_margin_it_is_not():
    net = ResUNet((3, 4), 1)
    model = Recipe(net).build((1, 8, 8), 3).double().eval()
    for weight in model.parameters():
        torch.nn.init.normal_(weight, std=0.3)
    x = torch.randn(1, 1, 64, 64, dtype=torch.float64)
    with torch.no_grad():
        narrow = tiled(model.reconstruct, x, Local(1, net.unit), 256)
        assert not torch.allclose(narrow, model.reconstruct(x), atol=1e-3)


def test_small_samples_are_computed_at_once_and_large_ones_are_watched():
    seen, told = [], []
    tiled(lambda x: seen.append(x.shape) or x, torch.zeros(1, 1, 8, 8), Local(2, 2), 64, lambda *n: told.append(n))
    assert seen == [(1, 1, 8, 8)]
    assert told == []
    tiled(lambda x: x, torch.zeros(1, 1, 16, 8), Local(2, 2), 64, lambda *n: told.append(n))
    assert told == [(1, 2), (2, 2)]


def test_what_is_computed_may_have_other_channels():
    x = torch.randn(1, 1, 20, 30)
    both = tiled(lambda x: torch.cat([x, -x], 1), x, Local(2, 2), 64)
    assert torch.equal(both, torch.cat([x, -x], 1))
