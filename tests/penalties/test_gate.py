"""The auxiliary loss of a gate."""

from typing import Any

import pytest
import torch

from diabolo.errors import CapabilityError, ParameterError
from diabolo.flow import Batch
from diabolo.latents import L1
from diabolo.latents.gated import Gated
from diabolo.likelihoods import Clipped
from diabolo.members import Members
from diabolo.model import Recipe
from diabolo.nets import MLP, UNet
from diabolo.nets.atoms import Atoms
from diabolo.penalties.gate import Gate


def built(net=Atoms(), weight=1.0, condition=0) -> Any:  # noqa: B008  (a part is frozen)
    torch.manual_seed(0)
    return Recipe(net, Gated(0.1), penalties=(Gate(weight),)).build((6,), 20, condition).double()


def slopes(model, value):
    names, weights = zip(*model.named_parameters(), strict=True)
    return dict(zip(names, torch.autograd.grad(value, weights, allow_unused=True), strict=True))


@pytest.mark.parametrize("net", [Atoms(), Atoms(tied=True), MLP((8,))], ids=repr)
@pytest.mark.parametrize("noise", [True, False], ids=["noise", "still"])
def test_it_is_the_error_of_what_the_open_gates_rebuild(net, noise):
    model, x = built(net, 0.3), torch.randn(9, 6, dtype=torch.float64)
    value = model(Batch(x), noise=noise).penalties["gate"]
    h, _ = model.encoder(x)
    torch.testing.assert_close(value, 0.3 * 0.5 * (x - model.decoder(h.relu())).square().sum(1))


def test_its_gradient_reaches_the_gate_and_not_the_decoder():
    model, x = built(), torch.randn(9, 6, dtype=torch.float64)
    found = slopes(model, model(Batch(x)).penalties["gate"].sum())
    assert found["encoder.weight"].abs().max() > 0
    assert found["encoder.bias"].abs().max() > 0
    others = ["decoder.weight", "decoder.bias", "latent.log_scale", "latent.bias"]
    assert [found[name] for name in others] == [None] * 4


def test_what_is_beyond_bounds_can_come_back():
    torch.manual_seed(0)
    model = Recipe(Atoms(), Gated(0.1), Clipped(low=(0.0,), high=(1e-3,)), penalties=(Gate(),)).build((6,), 20)
    x = torch.rand(9, 6)
    value = model(Batch(x)).penalties["gate"]
    h, _ = model.encoder(x)
    params = model.decode(h.relu())
    assert ((params < 0) | (params > 1e-3)).float().mean() > 0.9
    torch.testing.assert_close(value, 0.5 * (params.clamp(0.0, 1e-3) - x).square().sum(1))
    (found,) = torch.autograd.grad(value.sum(), [model.get_parameter("encoder.bias")])
    error = (params.clamp(0.0, 1e-3) - x).detach()
    (expected,) = torch.autograd.grad((params * error).sum(), [model.get_parameter("encoder.bias")])
    torch.testing.assert_close(found, expected)


def test_of_tied_atoms_it_reaches_the_encoder_s_use_alone():
    model, x = built(Atoms(tied=True)), torch.randn(9, 6, dtype=torch.float64)
    (found,) = torch.autograd.grad(model(Batch(x)).penalties["gate"].sum(), [model.decoder.weight])
    atoms = model.decoder.weight / model.decoder.weight.norm(dim=1, keepdim=True)
    h = x @ atoms.T + model.encoder.bias
    value = 0.5 * (x - h.relu() @ atoms.detach() - model.decoder.bias.detach()).square().sum()
    torch.testing.assert_close(found, torch.autograd.grad(value, [model.decoder.weight])[0])


def test_it_looks_at_the_target_and_tells_the_decoder_the_condition():
    model = built(condition=2)
    x, target, known = (torch.randn(9, k, dtype=torch.float64) for k in (6, 6, 2))
    value = model(Batch(x, target, condition=known)).penalties["gate"]
    h, _ = model.hidden(x, known)
    torch.testing.assert_close(value, 0.5 * (target - model.decode(h.relu(), known)).square().sum(1))


def test_members_have_gates_too():
    models = [built(weight=weight) for weight in (0.2, 2.0)]
    x = torch.randn(9, 6, dtype=torch.float64)
    torch.testing.assert_close(Members(models)(Batch(x)).loss, torch.stack([m(Batch(x)).loss for m in models]))


def test_other_latents_have_no_gate():
    with pytest.raises(ParameterError, match=r"may hold Gate where the latent is Gated\(\); got L1\(\)"):
        Recipe(Atoms(), L1(), penalties=(Gate(),)).build((6,), 20)


def test_a_decoder_that_needs_skips_says_so():
    model = Recipe(UNet((4,)), Gated(), penalties=(Gate(),)).build((1, 4, 4), 3)
    with pytest.raises(CapabilityError, match="needs the encoder's skips"):
        model(Batch(torch.randn(2, 1, 4, 4)))


def test_the_equation_holds_the_weight():
    assert Gate(0.25).equation() == "0.25·½‖x − D(relu(h))‖²"
    with pytest.raises(ParameterError, match="'weight' of Gate must be"):
        Gate(-1.0).check()
