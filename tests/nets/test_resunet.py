"""What the fully convolutional net keeps beside the checks of every net."""

import pytest
import torch

from diabolo.errors import CapabilityError, ParameterError
from diabolo.model import Recipe
from diabolo.nets import Local, ResUNet
from diabolo.nets.fold import cut, folded, padded, unfolded

NETS = [
    ResUNet((3, 4), blocks=1),
    ResUNet((3, 4, 5), blocks=2, fold=1),
    ResUNet((4,), blocks=1, fold=3),
    ResUNet((3, 4), blocks=1, activation="silu", bias=True),
]


def built(net, shape):
    torch.manual_seed(0)
    model = Recipe(net).build(shape, 2).double().eval()
    for weight in model.parameters():  # large ones: what is small to begin with would hide mistakes
        torch.nn.init.normal_(weight, std=0.4)
    return model


@pytest.mark.parametrize("net", NETS, ids=repr)
@pytest.mark.parametrize("shape", [(2, 8, 8), (12, 3)], ids=str)
def test_any_size_comes_back_whatever_it_was_built_for(net, shape):
    model = built(net, shape)
    for size in ((1, 1), (5, 13), (24, 6)):
        x = torch.randn(2, shape[0], *size) if len(shape) == 3 else torch.randn(2, size[1], shape[1])
        assert model.reconstruct(x.double()).shape == x.shape


@pytest.mark.parametrize("net", NETS, ids=repr)
def test_no_point_beyond_reach_matters(net):
    model, (reach, unit) = built(net, (1, 8, 8)), net.local
    x = torch.randn(1, 1, 1, 4 * reach + unit, dtype=torch.float64).expand(1, 1, unit, -1).clone()
    changed = x.clone()
    centre = x.shape[3] // 2
    changed[..., centre] += 10
    moved = (model.reconstruct(changed) - model.reconstruct(x)).abs().amax((0, 1, 2)).nonzero().flatten()
    assert moved.min() >= centre - reach
    assert moved.max() <= centre + reach
    assert moved.max() - moved.min() > reach / 2  # and it is not much farther than need be


def test_it_sees_farther_with_more_of_everything():
    def reach(net):
        return net.local.reach

    assert reach(ResUNet((4, 4), 1, 1)) < reach(ResUNet((4, 4), 2, 1)) < reach(ResUNet((4, 4, 4), 2, 1))
    assert reach(ResUNet((4, 4), 1, 2)) == 2 * reach(ResUNet((4, 4), 1, 1))
    assert ResUNet((4, 4, 4), fold=3).local == Local(ResUNet((4, 4, 4), fold=3).local.reach, 12)


def test_without_biases_twice_the_signal_gives_twice_the_result():
    x = torch.randn(2, 1, 9, 7, dtype=torch.float64)
    plain, biased = built(NETS[0], (1, 8, 8)), built(NETS[3], (1, 8, 8))
    assert torch.allclose(plain.reconstruct(3 * x), 3 * plain.reconstruct(x))
    assert not torch.allclose(biased.reconstruct(3 * x), 3 * biased.reconstruct(x))


def test_it_begins_near_the_identity():
    x = torch.randn(2, 1, 16, 16)
    model = Recipe(ResUNet()).build((1, 16, 16), 8)
    assert (model.reconstruct(x) - x).square().mean() < 0.1 * x.square().mean()


def test_the_code_is_a_grid_of_so_many_numbers():
    model = Recipe(ResUNet((4, 4), 1)).build((1, 8, 12), 3)
    assert model.n == 3 * 2 * 3
    assert model.encode(torch.zeros(2, 1, 16, 12)).mean.shape == (2, 3 * 4 * 3)


def test_what_is_rebuilt_may_have_other_channels():
    model = Recipe(ResUNet((4, 4), 1)).build((1, 8, 8), 3, target=(2, 8, 8))
    assert model.target == (2, 8, 8)
    assert model.reconstruct(torch.zeros(5, 1, 10, 9)).shape == (5, 2, 10, 9)


def test_errors_say_what_to_do():
    with pytest.raises(ParameterError, match="Leave out the condition, or choose another net"):
        Recipe(ResUNet()).build((1, 16, 16), 2, condition=3)
    with pytest.raises(CapabilityError, match="needs the 3 skips of its encoder"):
        ResUNet().build((1, 8, 8), 4, 4, (1, 8, 8))[1](torch.zeros(1, 4))


@pytest.mark.parametrize("shape", [(2, 3, 7, 5), (2, 3, 7)], ids=str)
@pytest.mark.parametrize("fold", [1, 2, 3])
def test_folding_is_undone(shape, fold):
    y = torch.randn(shape)
    wide = padded(y, 6)
    assert folded(wide, fold).numel() == wide.numel()
    assert torch.equal(cut(unfolded(folded(wide, fold), fold), shape[2:]), y)


def test_rows_fold_as_images_do():
    y = torch.randn(2, 3, 12)
    wide = folded(y, 2)
    assert torch.equal(wide[:, 0::2], y[..., 0::2])
    assert torch.equal(wide[:, 1::2], y[..., 1::2])
