"""Each latent keeps its largest entries over the batch."""

import copy
import math

import pytest
import torch
from torch.nn import functional as F

from diabolo.errors import ParameterError
from diabolo.flow import Batch
from diabolo.latents import TopK
from diabolo.latents.winner_take_all import WinnerTakeAll
from diabolo.model import Recipe
from diabolo.nets import Lapped
from diabolo.nets.atoms import Atoms


@pytest.fixture(scope="module")
def world():
    """Samples (512, 10) that are sums of few of twelve directions."""
    draw = torch.Generator().manual_seed(3)
    strength = torch.rand(512, 12, generator=draw) * (torch.rand(512, 12, generator=draw) < 0.2)
    return strength @ torch.randn(12, 10, generator=draw)


def fitted(world, recipe, n=24, steps=300):
    torch.manual_seed(0)
    model = recipe.build((10,), n)
    adam = torch.optim.Adam(model.parameters(), 1e-2)
    falling = torch.optim.lr_scheduler.LinearLR(adam, 1.0, 0.01, steps)  # thresholds follow a code that comes to rest
    for _ in range(steps):
        adam.zero_grad()
        model(Batch(world)).loss.backward()
        adam.step()
        falling.step()
    return model.eval()


@pytest.mark.parametrize("share", [0.01, 0.07, 0.1, 0.35, 1.0])
def test_each_latent_keeps_its_share_rounded_up(share):
    h = 1 + torch.rand(100, 12)
    z = WinnerTakeAll(share).build(12)(h, noise=True).z
    count = math.ceil(round(100 * share, 9))
    assert bool(((z != 0).sum(0) == count).all())
    assert torch.equal(z[z != 0], h[z != 0])
    kept, left = h.masked_fill(z == 0, 99.0), h.masked_fill(z != 0, -99.0)
    assert bool((kept.amin(0) >= left.amax(0)).all())


def test_one_wins_at_least_and_none_below_0():
    h = torch.tensor([[3.0, -1.0], [2.0, -2.0]])
    z = WinnerTakeAll(0.01).build(2)(h, noise=True).z
    assert z.tolist() == [[3.0, 0.0], [0.0, 0.0]]


def test_thresholds_are_the_running_means_of_the_smallest_winners():
    module = WinnerTakeAll(0.5).build(2)
    for smallest in (1.0, 2.0, 6.0):
        module(torch.tensor([[smallest, -1.0], [smallest + 1, -1.0], [0.0, 9.0], [0.5, -1.0]]), noise=True)
    assert torch.allclose(module.threshold, torch.tensor([4.6, 9.0]))  # late ones count more
    before = module.threshold.clone()
    module(torch.full((4, 2), -1.0), noise=True)  # nobody wins, and nothing is learned
    assert torch.equal(module.threshold, before)
    assert module.seen.tolist() == [3, 3]


def test_a_slow_running_mean_follows_codes_that_change():
    module = WinnerTakeAll(1.0).build(1)
    for value in [1.0] * 200 + [2.0] * 200:
        module(torch.tensor([[value]]), noise=True)
    assert module.threshold.item() == pytest.approx(2 - 0.98**200, abs=1e-4)


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_without_noise_each_latent_is_used_by_about_its_share(world, share):
    model = fitted(world, Recipe(Atoms(), WinnerTakeAll(share)))
    used = (model.encode(world).dense().z != 0).float().mean(0)
    assert abs(used.mean() - share) < 0.2 * share
    assert used.min() > 0
    assert used.max() < 1.5 * share
    alone = torch.cat([model.encode(row[None]).dense().z for row in world[:20]])
    torch.testing.assert_close(alone, model.encode(world[:20]).dense().z)


def test_few_latents_fall_silent_where_top_k_leaves_many(world):
    dead = [
        (fitted(world, Recipe(Atoms(), latent), n=200).encode(world).dense().z == 0).all(0).sum().item()
        for latent in (WinnerTakeAll(0.02), TopK(4))
    ]
    assert dead[0] < 0.2 * dead[1]


def test_only_training_with_noise_learns():
    torch.manual_seed(0)
    module, h = WinnerTakeAll(0.2).build(4), torch.randn(30, 4)
    module(h, True)
    before = copy.deepcopy(module.state_dict())
    module(h + 1, False)
    module.eval()(h + 1, True)
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())


def test_in_each_map_of_a_sample_one_place_wins_and_then_the_share_of_samples():
    h = torch.rand(10, 3 * 8) + 0.1
    z = WinnerTakeAll(0.2, maps=3).build(24)(h, noise=True).z.view(10, 3, 8)
    assert ((z != 0).sum(2) <= 1).all()
    assert (z != 0).sum((0, 2)).tolist() == [2, 2, 2]
    best = h.view(10, 3, 8).amax(2)
    assert torch.equal(z.amax((0, 2)), best.amax(0))
    assert torch.equal(z.sum(2).topk(2, 0).values, best.topk(2, 0).values)


def test_maps_of_one_place_are_the_entries_themselves():
    torch.manual_seed(0)
    h = torch.randn(20, 6)
    one, other = WinnerTakeAll(0.2).build(6), WinnerTakeAll(0.2, maps=6).build(6)
    for noise in (True, False):
        assert torch.equal(one(h, noise).z, other(h, noise).z)


def test_maps_on_a_net_that_keeps_few_entries():
    torch.manual_seed(0)
    model = Recipe(Atoms(), WinnerTakeAll(0.5, maps=5)).build((7,), 20)
    z = model(Batch(torch.randn(8, 7))).code.z
    assert ((z.view(8, 5, 4) != 0).sum(2) <= 1).all()


def bars(count):
    """Return images (count, 1, 16, 16), each with a bar that lies or stands in one of sixteen squares."""
    draw = torch.Generator().manual_seed(0)
    squares = torch.zeros(count, 4, 4, 4, 4)  # rows of squares, rows in each, columns of squares, columns in each
    lying = torch.zeros(4, 4)
    lying[1:3] = 1
    for i in range(count):
        row, column = torch.randint(4, (2,), generator=draw).tolist()
        squares[i, row, :, column] = (lying if i % 2 else lying.T) * (0.5 + torch.rand((), generator=draw))
    return squares.view(count, 1, 16, 16)


def test_bars_are_found_by_a_convolutional_code():
    x = bars(256)
    torch.manual_seed(0)
    model = Recipe(Lapped(4, blocks=0, smoothing=0), WinnerTakeAll(0.5, maps=6)).build((1, 16, 16), 6)
    adam = torch.optim.Adam(model.parameters(), 1e-2)
    falling = torch.optim.lr_scheduler.LinearLR(adam, 1.0, 0.01, 150)
    for _ in range(150):
        adam.zero_grad()
        model(Batch(x)).loss.backward()
        adam.step()
        falling.step()
    output = model.eval()(Batch(x), noise=False)
    assert ((output.code.z.view(256, 6, 16) != 0).sum(2) <= 1).all()
    assert output.distortion.mean() < 0.1 * 0.5 * x.square().flatten(1).sum(1).mean()


def test_what_cannot_be_built_says_why():
    with pytest.raises(ParameterError, match="'maps' of WinnerTakeAll must divide the size of the code, 8; got 3"):
        WinnerTakeAll(maps=3).build(8)
    for share in (0.0, 1.5):
        with pytest.raises(ParameterError, match="'share' of WinnerTakeAll must be"):
            Recipe(latent=WinnerTakeAll(share)).build((5,), 2)


def test_the_code_is_free():
    assert WinnerTakeAll().equation() == "0"
    assert WinnerTakeAll(0.5).build(3)(torch.randn(4, 3), True).rate.tolist() == [0] * 4


def test_the_gradient_is_that_of_the_winners():
    torch.manual_seed(0)
    h = torch.randn(20, 6, dtype=torch.float64, requires_grad=True)
    z = WinnerTakeAll(0.2).build(6).double()(h, noise=True).z
    (slope,) = torch.autograd.grad(z.sum(), h)
    assert torch.equal(slope, (z != 0).double())
    assert F.relu(h)[z != 0].equal(z[z != 0])
