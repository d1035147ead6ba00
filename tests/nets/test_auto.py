import pytest
import torch

from diabolo.nets import MLP, Auto, Conv


@pytest.mark.parametrize(("shape", "net"), [((12,), MLP(activation="relu")), ((9, 2), MLP()), ((3, 8, 8), Conv())])
def test_builds_what_it_chooses(shape, net):
    assert Auto().choose(shape) == net
    built, chosen = Auto().build(shape, 2, 2, shape), net.build(shape, 2, 2, shape)
    for one, two in zip(built, chosen, strict=True):
        assert type(one) is type(two)
        assert {k: v.shape for k, v in one.state_dict().items()} == {k: v.shape for k, v in two.state_dict().items()}


def test_prints():
    assert repr(Auto()) == "Auto()"


def test_draws_the_same_weights_for_the_same_seed():
    states = []
    for net in (Auto(), MLP(activation="relu")):
        torch.manual_seed(3)
        states.append(net.build((12,), 2, 2, (12,))[0].state_dict())
    assert all(torch.equal(a, b) for a, b in zip(states[0].values(), states[1].values(), strict=True))
