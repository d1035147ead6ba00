"""What the block transform keeps beside the checks of every net."""

import pytest
import torch

from diabolo.errors import ParameterError
from diabolo.flow import Batch
from diabolo.latents.factorized import Factorized
from diabolo.likelihoods import SquaredError
from diabolo.model import Recipe
from diabolo.nets import Local
from diabolo.nets.fold import folded, unfolded
from diabolo.nets.lapped import Lapped, cosines

NETS = [Lapped(2, 1, 4, 1), Lapped(3, 0, 3, 2), Lapped(4, 2, 5, 0)]


def built(net, shape, n=2):
    torch.manual_seed(0)
    model = Recipe(net).build(shape, n).double().eval()
    for weight in model.parameters():  # large ones: what is small to begin with would hide mistakes
        torch.nn.init.normal_(weight, std=0.3)
    return model


def smooth(*shape):
    """Images of waves (B, C, H, W), much alike in all channels."""
    draw = torch.Generator().manual_seed(1)
    low = torch.nn.functional.interpolate(torch.randn(shape[0], 1, 5, 5, generator=draw), shape[2:], mode="bicubic")
    return low + 0.1 * torch.randn(shape, generator=draw)


@pytest.mark.parametrize("net", NETS, ids=repr)
@pytest.mark.parametrize("shape", [(2, 8, 8), (12, 3)], ids=str)
def test_any_size_comes_back_whatever_it_was_built_for(net, shape):
    model = built(net, shape)
    for size in ((1, 1), (5, 13), (24, 6)):
        x = torch.randn(2, shape[0], *size) if len(shape) == 3 else torch.randn(2, size[1], shape[1])
        assert model.reconstruct(x.double()).shape == x.shape


@pytest.mark.parametrize("net", NETS, ids=repr)
def test_a_code_alone_is_decoded_to_the_size_it_was_built_for(net):
    model = built(net, (2, 9, 7))
    x = torch.randn(3, 2, 9, 7, dtype=torch.float64)
    torch.testing.assert_close(model.decode(model.encode(x).mean), model.reconstruct(x))


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
    assert Lapped(8, blocks=1).local.reach < Lapped(8, blocks=2).local.reach
    assert Lapped(8, smoothing=0).local.reach < Lapped(8, smoothing=1).local.reach
    assert Lapped(8).local == Local(Lapped(8).local.reach, 8)


@pytest.mark.parametrize(("channels", "fold", "axes"), [(1, 8, 2), (3, 4, 2), (2, 5, 1)])
def test_all_cosines_are_an_orthonormal_basis(channels, fold, axes):
    count = channels * fold**axes
    basis = cosines(channels, fold, axes, count + 2).double().flatten(1)
    torch.testing.assert_close(basis[:count] @ basis[:count].T, torch.eye(count).double(), atol=1e-6, rtol=0)
    assert not basis[count:].any()


def test_the_first_cosines_keep_most_of_a_smooth_image():
    x = smooth(4, 3, 64, 64)
    blocks = folded(x, 8).transpose(1, 2).flatten(0, 1).flatten(1).T  # (192, blocks)
    basis = folded(cosines(3, 8, 2, 192), 8).flatten(1)
    kept = (basis @ folded(x, 8).flatten(2)).square().sum((0, 2)) / x.square().sum()
    assert blocks.numel() == x.numel()
    assert kept[:8].sum() > 0.75
    assert kept[0] == kept.max()
    torch.testing.assert_close(kept.sum(), torch.tensor(1.0))


def test_with_as_many_numbers_as_points_it_begins_as_the_identity():
    x = smooth(2, 3, 24, 20)
    for net in (Lapped(4), Lapped(4, smoothing=0), Lapped(3, channels=8)):
        model = Recipe(net).build((3, 24, 20), 3 * net.fold**2)
        assert (model.reconstruct(x) - x).square().mean() < 1e-2 * x.square().mean()


def test_with_few_numbers_it_begins_far_better_than_at_random():
    x = smooth(2, 1, 32, 32)
    model = Recipe(Lapped(8)).build((1, 32, 32), 6)
    assert (model.reconstruct(x) - x).square().mean() < 0.2 * x.square().mean()


def test_a_finer_grid_is_folded_from_the_coarse_one():
    y = torch.randn(2, 3, 8, 16)
    torch.testing.assert_close(unfolded(unfolded(folded(folded(y, 2), 4), 4), 2), y)


def test_it_trains_with_a_rate():
    torch.manual_seed(0)
    x = smooth(8, 1, 16, 16)
    recipe = Recipe(Lapped(4, channels=4, smoothing=1), Factorized(step=0.5, channels=8), SquaredError(0.2))
    model = recipe.build((1, 16, 16), 8)
    adam = torch.optim.Adam(model.parameters(), 1e-2)
    losses = []
    for _ in range(60):
        loss = model(Batch(x)).loss
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
    output = model.eval()(Batch(smooth(2, 1, 24, 40)), noise=False)  # of another size than it was built for
    assert output.params.shape == (2, 1, 24, 40)
    assert bool((output.rate > 0).all())


def test_errors_say_what_to_do():
    with pytest.raises(ParameterError, match="Leave out the condition, or choose another net"):
        Recipe(Lapped()).build((1, 16, 16), 2, condition=3)
