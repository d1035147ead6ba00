import pytest
import torch

from diabolo.errors import CapabilityError
from diabolo.nets import MLP, Auto
from diabolo.nets.activation import ACTIVATIONS
from diabolo.nets.mlp import MLPDecoder, MLPEncoder, pyramid

BARE = MLP(norm="none", bypass=False)  # nothing but the layers


def count(net, shape=(30,), n=4):
    return sum(weight.numel() for module in net.build(shape, n, n, shape) for weight in module.parameters())


def test_hidden_gives_the_widths():
    encoder, decoder = BARE(hidden=(16, 8)).build((30,), 4, 4, (30,))
    assert [p.shape for p in encoder.parameters() if p.ndim == 2] == [(16, 30), (8, 16), (4, 8)]
    assert [p.shape for p in decoder.parameters() if p.ndim == 2] == [(8, 4), (16, 8), (30, 16)]


def test_none_is_the_pyramid():
    assert count(MLP(None)) == count(MLP(pyramid(30, 4)))


def test_wider_and_deeper_have_more_weights():
    assert count(MLP((8,))) < count(MLP((16,))) < count(MLP((16, 16)))


def test_tied_has_fewer_weights_by_the_decoders_matrices():
    layers = 30 * 16 + 16 * 8 + 8 * 4
    assert count(BARE(hidden=(16, 8))) - count(BARE(hidden=(16, 8), tied=True)) == layers
    assert count(MLP((16, 8))) - count(MLP((16, 8), tied=True)) == layers + 30 * 4


def test_tied_decoder_applies_the_transposed_matrices():
    encoder, decoder = BARE(hidden=(6,), activation="tanh", tied=True).build((5,), 2, 2, (5,))
    first, last = (p for p in encoder.parameters() if p.ndim == 2)
    z = torch.randn(3, 2)
    torch.testing.assert_close(decoder(z), torch.tanh(z @ last) @ first)  # biases start at zero


def test_a_residual_layer_with_zero_weights_is_the_shortcut():
    encoder, _ = BARE(hidden=(5, 5), residual=True).build((5,), 5, 5, (5,))
    assert isinstance(encoder, MLPEncoder)
    *hidden, last = encoder.maps()
    with torch.no_grad():
        for layer in hidden:
            layer.weight.zero_()
    x = torch.randn(3, 5)
    torch.testing.assert_close(encoder(x)[0], last(x))


def test_layer_norm_forgets_the_scale_of_a_sample():
    x = torch.randn(3, 30)
    for norm, same in [("layer", True), ("none", False)]:
        encoder, _ = BARE(hidden=(16,), norm=norm).build((30,), 4, 4, (30,))
        assert torch.allclose(encoder(x)[0], encoder(100 * x)[0], atol=1e-3) is same


@pytest.mark.parametrize("norm", ["none", "layer"])
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_signals_keep_their_scale(activation, norm):
    torch.manual_seed(0)
    encoder, _ = MLP((512,) * 4, activation, norm, bypass=False).build((512,), 512, 512, (512,))
    assert 0.5 < encoder(torch.randn(64, 512))[0].square().mean() < 2.0


def first_gradient(net):
    torch.manual_seed(0)
    encoder, decoder = net.build((10,), 2, 2, (10,))
    x = torch.randn(32, 10)
    (decoder(encoder(x)[0]) - x).square().mean().backward()
    gradients = [p.grad for p in encoder.parameters() if p.ndim == 2]
    return gradients[0].norm().item(), gradients[-1].norm().item()


def test_thirty_layers_vanish_with_sigmoids_and_not_with_shortcuts():
    deep = (16,) * 30
    first, last = first_gradient(BARE(hidden=deep, activation="sigmoid"))
    assert first < 1e-6 * last
    first, last = first_gradient(MLP(deep, "relu", "layer", residual=True, bypass=False))
    assert first > 1e-2 * last
    assert first > 1e-3


def test_thirty_layers_train_with_shortcuts():
    torch.manual_seed(0)
    world = torch.randn(64, 2) @ torch.randn(2, 10)
    losses = []
    deep = BARE(hidden=(16,) * 30)
    for net in (deep(activation="relu", norm="layer", residual=True), deep(activation="sigmoid")):
        encoder, decoder = net.build((10,), 2, 2, (10,))
        optimiser = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 3e-3)
        loss = torch.tensor(torch.nan)
        for _ in range(100):
            loss = (decoder(encoder(world)[0]) - world).square().mean() / (world - world.mean(0)).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        losses.append(loss.item())
    assert losses[0] < 0.25
    assert losses[1] > 0.7


@pytest.mark.parametrize("shape", [(12,), (6, 2), (3, 2, 2)])
@pytest.mark.parametrize(
    "net", [BARE(hidden=(8, 6)), MLP((8, 6), residual=True, bypass=False, tied=True), BARE(hidden=())], ids=repr
)
def test_pairs_share_the_weights_and_compose_to_the_net(shape, net):
    encoder, decoder = net.build(shape, 3, 3, shape)
    pairs = net.pairs(encoder, decoder)
    assert len(pairs) == len(net.hidden) + 1
    x = torch.randn(4, *shape)
    h, y = there_and_back(pairs, x)
    torch.testing.assert_close(h, encoder(x)[0])
    torch.testing.assert_close(y, decoder(encoder(x)[0]))
    assert owned(*pairs) == owned((encoder, decoder))


@pytest.mark.parametrize("tied", [False, True])
def test_pairs_ignore_the_bypass(tied):
    net = MLP((8, 6), tied=tied)
    encoder, decoder = net.build((12,), 3, 3, (12,))
    assert isinstance(encoder, MLPEncoder)
    assert isinstance(decoder, MLPDecoder)
    pairs = net.pairs(encoder, decoder)
    around = owned((encoder.get_submodule("bypass"), decoder.get_submodule("bypass")))
    assert owned(*pairs) == owned((encoder, decoder)) - around
    encoder.bypass = decoder.bypass = None
    x = torch.randn(4, 12)
    torch.testing.assert_close(there_and_back(pairs, x), (encoder(x)[0], decoder(encoder(x)[0])))


def there_and_back(pairs, x):
    h = x
    for layer, mirror in pairs:
        code = layer(h)
        assert mirror(code).shape == h.shape
        h = code
    y = h
    for _, mirror in reversed(pairs):
        y = mirror(y)
    return h, y


def owned(*pairs):
    return {id(weight) for pair in pairs for module in pair for weight in module.parameters()}


@pytest.mark.parametrize("tied", [False, True])
def test_the_bypass_is_a_linear_path_beside_the_layers(tied):
    net = MLP((6,), tied=tied)
    encoder, decoder = net.build((5,), 2, 2, (5,))
    bare_encoder, bare_decoder = net(bypass=False).build((5,), 2, 2, (5,))
    for one, two in ((bare_encoder, encoder), (bare_decoder, decoder)):
        one.load_state_dict({key: value for key, value in two.state_dict().items() if "bypass" not in key})
    x, z = torch.randn(3, 5), torch.randn(3, 2)
    matrix = encoder.get_parameter("bypass.weight")
    back = matrix.T if tied else decoder.get_parameter("bypass.weight")
    torch.testing.assert_close(encoder(x)[0] - bare_encoder(x)[0], x @ matrix.T)  # biases start at zero
    torch.testing.assert_close(decoder(z) - bare_decoder(z), z @ back.T)


def test_the_innermost_pair_is_left_out_where_sizes_differ():
    net = MLP((8, 6))
    assert len(net.pairs(*net.build((12,), 6, 3, (12,)))) == 2


def test_no_pairs_for_other_params():
    net = MLP((8,))
    with pytest.raises(CapabilityError, match="shaped like its input"):
        net.pairs(*net.build((12,), 3, 3, (24,)))


def test_auto_has_pairs_where_it_chose_an_mlp():
    assert len(Auto().pairs(*Auto().build((12,), 3, 3, (12,)))) == 3
