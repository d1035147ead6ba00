import pytest
import torch
from torch import nn

from diabolo.files import tensors
from diabolo.nets import Conv, UNet
from diabolo.nets.conv import widening
from diabolo.nets.convolution import Double, Halve, halved, halvings, normed
from diabolo.nets.grid import from_grid, to_grid


def count(net, shape=(3, 16, 16)):
    return sum(weight.numel() for module in net.build(shape, 4, 4, shape) for weight in module.parameters())


def test_knobs_add_weights():
    assert count(Conv((4, 8))) < count(Conv((8, 16)))
    assert count(Conv((4, 8), 3)) < count(Conv((4, 8), 4)) < count(Conv((4, 8), 5))
    assert count(Conv((4, 8), blocks=0)) < count(Conv((4, 8), blocks=1)) < count(Conv((4, 8), blocks=2))
    assert count(Conv((4, 8))) < count(Conv((4, 8), norm="group"))


def test_activation_bends():
    torch.manual_seed(0)
    encoder, _ = Conv((4,)).build((8, 1), 2, 2, (8, 1))
    x = torch.randn(1, 8, 1)
    assert not torch.allclose(encoder(x)[0], -encoder(-x)[0])


def test_halving_stops_at_one():
    assert halvings((5, 2), 4) == [(5, 2), (3, 1), (2, 1), (1, 1), (1, 1)]


LINES = [(length,) for length in range(1, 18)]
PLANES = [(1, 1), (1, 17), (16, 1), (7, 12), (17, 17), (2, 5)]


@pytest.mark.parametrize("kernel", [2, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("size", LINES + PLANES, ids=str)
def test_doubling_is_the_transpose_of_halving(size, kernel):
    down = Halve(2, 3, kernel, size).double()
    up = Double(3, 2, kernel, size).double()
    with torch.no_grad():
        up.conv.weight.copy_(down.conv.weight)
    x = torch.randn(1, 2, *size, dtype=torch.float64)
    y = torch.randn(1, 3, *halved(size), dtype=torch.float64)
    assert down(x).shape == y.shape
    assert up(y).shape == x.shape
    torch.testing.assert_close((down(x) * y).sum(), (x * up(y)).sum())  # ⟨A x, y⟩ = ⟨x, Aᵀ y⟩, biases being zero


def test_default_channels_halve_until_no_axis_is_longer_than_8():
    for size in [(1,), (8,), (9,), (17,), (100,), (8, 8), (28, 28), (3, 200)]:
        channels = widening(size)
        assert max(halvings(size, len(channels))[-1]) <= 8
        assert len(channels) == 1 or max(halvings(size, len(channels) - 1)[-1]) > 8
        assert channels == tuple(min(16 * 2**k, 128) for k in range(len(channels)))


@pytest.mark.parametrize("net", [Conv((4, 8), 4, blocks=1, norm="group"), UNet((4, 8))], ids=repr)
def test_the_memory_of_an_image_changes_nothing_but_speed(net):
    torch.manual_seed(0)
    model = nn.ModuleList(net.build((3, 9, 6), 4, 4, (3, 9, 6))).double()
    plain = nn.ModuleList(net.build((3, 9, 6), 4, 4, (3, 9, 6))).double()
    for weight in plain.parameters():
        weight.data = weight.data.contiguous()
    plain.load_state_dict(model.state_dict())
    x = torch.randn(2, 3, 9, 6, dtype=torch.float64)
    assert any(not weight.is_contiguous() for weight in model.parameters())
    assert all(weight.is_contiguous() for weight in plain.parameters())
    for one, two in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.equal(one, two)
    seen = x.contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(model[1](*model[0](seen)), plain[1](*plain[0](x)), rtol=0, atol=1e-12)


def test_a_saved_image_net_is_contiguous_and_loads_to_the_same_weights():
    model = nn.ModuleList(Conv((4, 8)).build((3, 9, 6), 4, 4, (3, 9, 6)))
    arrays = tensors.unpack("here", tensors.pack("here", model.state_dict()))
    assert all(array.is_contiguous() for array in arrays.values())
    assert all(torch.equal(arrays[name], value) for name, value in model.state_dict().items())
    other = nn.ModuleList(Conv((4, 8)).build((3, 9, 6), 4, 4, (3, 9, 6)))
    other.load_state_dict(arrays)
    assert all(torch.equal(a, b) for a, b in zip(other.parameters(), model.parameters(), strict=True))


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
