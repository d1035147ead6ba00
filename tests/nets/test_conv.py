import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diabolo.nets import Conv
from diabolo.nets.convolution import Double, Halve, halved, halvings, normed
from diabolo.nets.grid import from_grid, to_grid


def count(net, shape=(3, 16, 16)):
    return sum(weight.numel() for module in net.build(shape, 4, 4, shape) for weight in module.parameters())


def test_knobs_add_weights():
    assert count(Conv((4, 8))) < count(Conv((8, 16)))
    assert count(Conv((4, 8), 3)) < count(Conv((4, 8), 4)) < count(Conv((4, 8), 5))
    assert count(Conv((4, 8))) < count(Conv((4, 8), blocks=1)) < count(Conv((4, 8), blocks=2))
    assert count(Conv((4, 8))) < count(Conv((4, 8), norm="group"))


def test_activation_bends():
    torch.manual_seed(0)
    encoder, _ = Conv((4,)).build((8, 1), 2, 2, (8, 1))
    x = torch.randn(1, 8, 1)
    assert not torch.allclose(encoder(x)[0], -encoder(-x)[0])


def test_halving_stops_at_one():
    assert halvings((5, 2), 4) == [(5, 2), (3, 1), (2, 1), (1, 1), (1, 1)]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=2), st.integers(2, 6))
def test_doubling_is_the_transpose_of_halving(size, kernel):
    size = tuple(size)
    down = Halve(2, 3, kernel, size).double()
    up = Double(3, 2, kernel, size).double()
    with torch.no_grad():
        up.conv.weight.copy_(down.conv.weight)
    x = torch.randn(1, 2, *size, dtype=torch.float64)
    y = torch.randn(1, 3, *halved(size), dtype=torch.float64)
    assert down(x).shape == y.shape
    torch.testing.assert_close((down(x) * y).sum(), (x * up(y)).sum())  # ⟨A x, y⟩ = ⟨x, Aᵀ y⟩, biases being zero


def test_a_moved_series_has_moved_features():
    down = Halve(1, 2, 3, (20,))
    x = torch.zeros(2, 1, 20)
    x[0, 0, 6], x[1, 0, 8] = 1.0, 1.0
    y = down(x)
    torch.testing.assert_close(y[0, :, :-1], y[1, :, 1:])


@pytest.mark.parametrize("blocks", [0, 1, 32])
def test_params_start_at_a_sane_scale(blocks):
    torch.manual_seed(0)
    encoder, decoder = Conv(blocks=blocks).build((1, 28, 28), 16, 16, (1, 28, 28))
    h, _ = encoder(torch.randn(32, 1, 28, 28))
    assert 0.1 < h.square().mean() < 10
    assert 0.1 < decoder(torch.randn(32, 16)).square().mean() < 10


@pytest.mark.parametrize("channels", [1, 3, 16, 48, 64])
def test_group_norm_does_not_mix_samples(channels):
    x = torch.randn(4, channels, 1)
    norm = normed("group", channels)
    torch.testing.assert_close(norm(x)[1:2], norm(x[1:2]))


@pytest.mark.parametrize(("shape", "out"), [((5,), (10,)), ((7, 3), (7, 6)), ((3, 4, 2), (6, 4, 2))])
def test_channels_of_the_params_come_in_halves(shape, out):
    """Twice the channels are the first params of every number, then the second ones, as likelihoods read them."""
    axis = 1 if len(shape) == 3 else -1
    x, y = torch.randn(2, *shape), torch.randn(2, *shape)
    both = from_grid(torch.cat([to_grid(x), to_grid(y)], 1), out)
    torch.testing.assert_close(both, torch.cat([x, y], axis))
