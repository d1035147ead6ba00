"""Checks that every net must pass."""

import copy
import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diabolo.errors import CapabilityError, ParameterError
from diabolo.flow import with_channels
from diabolo.nets import ELSA, MLP, Archetypes, Atoms, Bag, Conv, Landmarks, Linear, Net, Recurrent, Transformer, UNet
from diabolo.part import PARTS, from_json
from diabolo.text import parse

DEFAULTS = [cls() for name, cls in sorted(PARTS["nets"].items()) if cls.__module__.startswith("diabolo.nets.")]
VARIANTS: list[Net] = [
    Linear(tied=True),
    MLP((), tied=True),
    MLP((24, 12), "gelu", "layer", residual=True),
    MLP(activation="relu", norm="none", bypass=False),
    MLP((16, 16, 8), "tanh", residual=True, tied=True),
    Bag((24, 12), (16,), "tanh", "none", normalise=False),
    Bag(()),
    Conv((4, 8, 8), 4, "silu", "group", 2),
    Conv(()),
    Recurrent("gru", 12, 2, True),
    Recurrent("lstm", 12, 2, True),
    UNet((4, 8, 8), 4, "elu", "group"),
    Transformer(3, 12, 1, 3),
]
NETS = DEFAULTS + VARIANTS
TABLES = [(1,), (5,), (64,)]
SERIES = [(1, 1), (7, 3), (50, 1)]
IMAGES = [(1, 1, 1), (1, 28, 28), (3, 17, 31), (1, 5, 2)]

ANY_SHAPE = Archetypes | Atoms | Bag | ELSA | Landmarks | Linear | MLP

every_net = pytest.mark.parametrize("net", NETS, ids=repr)
every_shape = pytest.mark.parametrize("shape", TABLES + SERIES + IMAGES, ids=str)
some_shapes = pytest.mark.parametrize("shape", [(12,), (9, 2), (2, 7, 6)], ids=str)


def is_tied(net):
    return getattr(net, "tied", False)


def built(net, shape, width, n, out):
    """The modules of a net whose code has n numbers, or n at each place if it is a grid."""
    spots = net.code(shape, 1)
    return net.build(shape, spots * width, spots * n, out)


def weights(modules):
    return [item for module in modules for item in module.named_parameters()]


def test_every_net_is_here():
    assert {"Auto", "Conv", "Linear", "MLP", "Recurrent", "Transformer", "UNet"} <= {
        type(net).__name__ for net in DEFAULTS
    }


@every_net
@every_shape
def test_shapes(net, shape):
    out = shape if is_tied(net) else with_channels(shape, 2)
    width, n = (3, 3) if is_tied(net) else (6, 3)
    encoder, decoder = built(net, shape, width, n, out)
    h, skips = encoder(torch.randn(4, *shape))
    assert h.shape == (4, net.code(shape, width))
    params = decoder(torch.randn(4, net.code(shape, n)), skips)
    assert params.shape == (4, *out)
    assert h.isfinite().all()
    assert params.isfinite().all()


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from([net for net in NETS if not is_tied(net)]),
    st.one_of(
        st.tuples(st.integers(1, 70)),
        st.tuples(st.integers(1, 20), st.integers(1, 4)),
        st.tuples(st.integers(1, 3), st.integers(1, 20), st.integers(1, 20)),
    ),
    st.integers(1, 5),
    st.integers(0, 5),
    st.integers(1, 3),
)
def test_any_shape(net, shape, n, more, factor):
    out = with_channels(shape, factor)
    encoder, decoder = built(net, shape, n + more, n, out)
    h, skips = encoder(torch.randn(2, *shape))
    assert h.shape == (2, net.code(shape, n + more))
    assert decoder(h[:, : net.code(shape, n)], skips).shape == (2, *out)


@every_net
@pytest.mark.parametrize("width", [17, 30, 31, 100])
def test_a_table_may_have_params_of_any_width(net, width):
    if not is_tied(net):
        encoder, decoder = built(net, (30,), 3, 3, (width,))
        assert decoder(*encoder(torch.randn(2, 30))).shape == (2, width)


@every_net
@some_shapes
def test_gradients_reach_every_weight(net, shape):
    modules = built(net, shape, 4, 4, shape)
    encoder, decoder = modules
    decoder(*encoder(torch.randn(8, *shape))).square().sum().backward()
    unreached = [name for name, weight in weights(modules) if weight.grad is None or not weight.grad.abs().sum() > 0]
    assert unreached == []


@every_net
@some_shapes
def test_a_sample_does_not_depend_on_the_others(net, shape):
    encoder, decoder = (module.double() for module in built(net, shape, 4, 4, shape))
    x = torch.randn(5, *shape, dtype=torch.float64)
    h, skips = encoder(x)
    alone, alone_skips = encoder(x[2:3])
    assert h.dtype == torch.float64
    torch.testing.assert_close(alone, h[2:3], rtol=0, atol=1e-10)
    together = decoder(h, skips)[2:3]
    torch.testing.assert_close(decoder(alone, alone_skips), together, rtol=0, atol=1e-10)


@every_net
def test_the_same_in_training_and_evaluation(net):
    encoder, decoder = built(net, (9, 2), 4, 4, (9, 2))
    x = torch.randn(3, 9, 2)
    trained = decoder(*encoder(x))
    with torch.no_grad():
        torch.testing.assert_close(decoder.eval()(*encoder.eval()(x)), trained)


@every_net
def test_a_different_sample_has_a_different_code_and_back(net):
    encoder, decoder = built(net, (9, 2), 4, 4, (9, 2))
    h, skips = encoder(torch.randn(2, 9, 2))
    assert (h[0] - h[1]).abs().max() > 1e-4
    params = decoder(h, skips)
    assert (params[0] - params[1]).abs().max() > 1e-5


@every_net
def test_json_and_print_round_trip(net):
    assert from_json(json.loads(json.dumps(net.to_json()))) == net
    assert parse(repr(net), "nets") == net
    assert hash(net) == hash(copy.deepcopy(net))


@every_net
def test_weights_are_shared_nowhere_in_the_state(net):
    model = torch.nn.ModuleList(built(net, (9, 2), 4, 4, (9, 2)))
    places = [weight.data_ptr() for weight in model.state_dict().values() if weight.numel()]
    assert len(set(places)) == len(places)


@every_net
def test_state_travels(net):
    one, two = (torch.nn.ModuleList(built(net, (9, 2), 4, 4, (9, 2))) for _ in range(2))
    x = torch.randn(3, 9, 2)
    two.load_state_dict(one.state_dict())
    torch.testing.assert_close(two[1](*two[0](x)), one[1](*one[0](x)))


@pytest.mark.parametrize("net", [net for net in NETS if net != ELSA()], ids=repr)  # which rebuilds nothing from itself
@pytest.mark.parametrize("shape", [(12,), (9, 2), (2, 5, 4)], ids=str)
def test_rebuilds_eight_samples_better_than_their_mean(net, shape):
    torch.manual_seed(0)
    encoder, decoder = modules = built(net, shape, 6, 6, shape)
    x = torch.randn(8, *shape)
    optimiser = torch.optim.Adam([weight for _, weight in weights(modules)], 1e-2)
    goal = 0.5 * (x - x.mean(0)).square().mean()
    for _ in range(200):
        loss = (decoder(*encoder(x)) - x).square().mean()
        if loss < goal:
            return
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    pytest.fail(f"after 200 steps the loss is not below {goal:g}")


@every_net
def test_second_derivatives_exist(net):
    encoder, decoder = (module.double() for module in built(net, (9, 2), 4, 4, (9, 2)))
    x = torch.randn(3, 9, 2, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(decoder(*encoder(x)).square().sum(), x, create_graph=True)
    slope.square().sum().backward()
    assert x.grad is not None
    assert x.grad.abs().sum() > 0


@every_net
def test_says_what_it_is(net):
    assert repr(net) in net.equation()


@pytest.mark.parametrize("net", [net for net in NETS if not isinstance(net, MLP)], ids=repr)
def test_only_an_mlp_has_pairs(net):
    with pytest.raises(CapabilityError, match=r"use MLP\(\)"):
        net.pairs(*built(net, (2, 9, 9), 4, 4, (2, 9, 9)))


@pytest.mark.parametrize("net", [net for net in NETS if not isinstance(net, ANY_SHAPE)], ids=repr)
@pytest.mark.parametrize("shape", [(), (2, 3, 4, 5)])
def test_grids_have_one_axis_or_two(net, shape):
    with pytest.raises(ParameterError, match=r"\(D,\), \(T, C\) or \(C, H, W\)"):
        built(net, shape, 2, 2, shape)


@pytest.mark.parametrize(
    "net",
    [
        MLP((10**9,)),
        MLP((8,) * 65),
        MLP((0,)),
        MLP(activation="cube"),
        MLP(norm="batch"),
        Conv((8,) * 17),
        Conv((10**6,)),
        Conv(kernel=1),
        Conv(blocks=10**9),
        Recurrent("rnn"),
        Recurrent(hidden=0),
        Recurrent(layers=10**9),
        UNet((0,)),
        UNet(norm="batch"),
        Transformer(patch=0),
        Transformer(depth=10**9),
        Transformer(width=10**9),
    ],
    ids=repr,
)
def test_refuses(net):
    with pytest.raises(ParameterError, match="must be"):
        from_json(net.to_json())


@pytest.mark.parametrize("net", [Linear(tied=True), MLP((8,), tied=True), MLP(tied=True, residual=True)], ids=repr)
def test_tied_weights_stay_tied_in_a_copy(net):
    model = torch.nn.ModuleList(built(net, (5,), 2, 2, (5,)))
    twin = copy.deepcopy(model)
    z = torch.ones(1, 2)
    before, kept = twin[1](z), model[1](z)
    with torch.no_grad():
        for weight in twin[0].parameters():
            weight += 1.0
    assert (twin[1](z) - before).abs().max() > 1e-3
    torch.testing.assert_close(model[1](z), kept, rtol=0, atol=0)


@pytest.mark.parametrize("net", [Linear(tied=True), MLP(tied=True)], ids=repr)
@pytest.mark.parametrize(("width", "out"), [(4, (5,)), (2, (10,))])
def test_tied_weights_need_a_mirror(net, width, out):
    with pytest.raises(ParameterError, match="'tied'"):
        built(net, (5,), width, 2, out)
