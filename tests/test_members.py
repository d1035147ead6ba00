"""Members: trained together, each is what it would be alone."""

import copy

import pytest
import torch

from diabolo.corruptions import GaussianNoise, Masking
from diabolo.errors import CapabilityError, ParameterError
from diabolo.flow import Batch, total
from diabolo.latents import FSQ, L1, Gaussian, KLSparsity, TopK
from diabolo.likelihoods import Clipped
from diabolo.members import Members
from diabolo.model import Recipe
from diabolo.nets import MLP, Archetypes, Conv, Linear
from diabolo.penalties import MMD, Contractive, Orthogonal, Smooth, TotalCorrelation
from diabolo.priors import Composite
from diabolo.training import Rows, Training, train
from diabolo.training.gradient import gradient_of

NET = MLP((9, 7))


def built(recipe, sizes=(3, 3, 3)):
    torch.manual_seed(0)
    return [recipe.build((6,), n).double() for n in sizes]


def rows(count, seed):
    generator = torch.Generator().manual_seed(seed)
    latent = torch.randn(count, 3, generator=generator, dtype=torch.float64)
    mix = torch.randn(3, 6, generator=torch.Generator().manual_seed(9), dtype=torch.float64)
    return Rows((latent @ mix).tanh(), lambda x: x)


def close(one, other):
    for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)  # rounding grows from step to step


@pytest.mark.parametrize("sizes", [(3, 3, 3), (2, 4, 3)])
@pytest.mark.parametrize(
    "recipe", [Recipe(NET), Recipe(NET(bypass=False), latent=L1(0.01)), Recipe(Linear())], ids=repr
)
def test_trained_together_as_trained_alone(recipe, sizes):
    models = built(recipe, sizes)
    members = Members(models)
    training = Training(epochs=6, clip=0.01)  # so tight that each member's clipping shows
    history = train(members, rows(80, 0), rows(20, 1), training, seed=3)
    for i, model in enumerate(models):
        alone = train(model, rows(80, 0), rows(20, 1), training, seed=3)
        close(members.extract(i), model)
        assert history.columns[f"held_out {i + 1}"] == pytest.approx(alone.columns["held_out"], rel=1e-4)
    assert history.columns["held_out"][-1] == pytest.approx(
        sum(history.columns[f"held_out {i + 1}"][-1] for i in range(3)) / 3
    )


def test_each_member_keeps_its_own_best_weights():
    models = built(Recipe(NET), (1, 6))
    members = Members(models)
    training = Training(epochs=40, learning_rate=0.05, patience=40)
    history = train(members, rows(12, 0), rows(20, 1), training, seed=3)
    best = [min(history.columns[f"held_out {i + 1}"]) for i in range(2)]
    batch = Batch(rows(20, 1).samples)
    for i in range(2):
        assert float(members.extract(i)(batch, noise=False).loss.detach()) == pytest.approx(best[i])


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(NET),
        Recipe(NET(norm="none", activation="relu")),
        Recipe(NET(residual=True)),
        Recipe(NET(tied=True)),
        Recipe(NET, latent=Gaussian()),
        Recipe(NET, latent=Gaussian(samples=3)),
        Recipe(NET, latent=FSQ(5), corruption=GaussianNoise(0.2)),
        Recipe(NET, corruption=Masking(0.3), likelihood=Clipped((-1.0,), (1.0,))),
        Recipe(NET, penalties=(Contractive(),)),
    ],
    ids=repr,
)
def test_the_gradient_of_all_is_the_one_of_each(recipe):
    members = Members(built(recipe, (2, 4, 3)) if not recipe.penalties and not recipe.net.tied else built(recipe))
    batch = Batch(torch.rand(7, 6, dtype=torch.float64))
    torch.manual_seed(0)
    terms, found = gradient_of(members, list(members.weights))(batch)
    torch.manual_seed(0)
    expected = members(batch).terms()
    reference = torch.autograd.grad(total(expected).sum(), list(members.weights))
    torch.testing.assert_close(terms, expected)
    for one, other, mask in zip(found, reference, members.masks, strict=True):
        torch.testing.assert_close(one, other if mask is None else other * mask)


def test_padding_stays_zero():
    members = Members(built(Recipe(NET, latent=Gaussian()), (1, 4)))
    train(members, rows(40, 0), None, Training(epochs=3), seed=0)
    padded = [
        (w.detach() * (1 - mask)).abs().max()
        for w, mask in zip(members.weights, members.masks, strict=True)
        if mask is not None
    ]
    assert padded
    assert max(padded) == 0


def test_knobs_may_differ():
    recipes = [Recipe(NET, latent=Gaussian(beta=b), penalties=(Orthogonal(w),)) for b, w in ((0.1, 1.0), (10.0, 3.0))]
    torch.manual_seed(0)
    one = recipes[0].build((6,), 2)
    other = recipes[1].build((6,), 2)
    other.load_state_dict(one.state_dict())
    members = Members([one, other])
    assert members.paths == ("latent__beta", "penalties__0__weight")
    batch = Batch(torch.rand(7, 6))
    costs = {name: value.detach() for name, value in members(batch, noise=False).terms().items()}
    assert costs["rate"][1] == pytest.approx(100 * float(costs["rate"][0]), rel=1e-4)
    assert members.base.recipe in [model.recipe for model in (one, other)]  # posing left no tensor behind


def test_knobs_of_modules_within_may_differ():
    torch.manual_seed(0)
    models, batch = [Recipe(Archetypes(anchors=8, slack=s)).build((6,), 4) for s in (0.1, 0.9)], Batch(torch.rand(7, 6))
    torch.nn.init.constant_(models[0].get_parameter("decoder.moved"), 0.5)
    models[1].load_state_dict(models[0].state_dict())
    alone = torch.stack([model(batch, noise=False).loss for model in models])
    assert abs(alone[0] - alone[1]) > 0.01
    torch.testing.assert_close(Members(models)(batch, noise=False).loss, alone)
    with pytest.raises(CapabilityError, match="one pass"):  # rather than with one of these for both
        Members([Recipe(NET, latent=Gaussian(prior=Composite(older=w))).build((6,), 2) for w in (0.1, 0.9)])(batch)


@pytest.mark.parametrize("penalty", [MMD, Contractive, Smooth, TotalCorrelation])
def test_weights_of_penalties_that_draw_by_chance_may_differ(penalty):
    models = [Recipe(NET, Gaussian(), penalties=(penalty(w),)).build((6,), 2) for w in (0.5, 1.0)]
    assert Members(models).paths == ("penalties__0__weight",)


def test_knobs_that_modules_are_built_with_may_not_differ():
    class Fixed(torch.nn.Module):
        def __init__(self, decoder, factor):
            super().__init__()
            self.decoder, self.factor = decoder, factor

        def forward(self, z, skips=()):
            return self.factor * self.decoder(z, skips)

    models = built(Recipe(NET, penalties=(Orthogonal(1.0),)), (2, 2))
    models[1] = Recipe(NET, penalties=(Orthogonal(2.0),)).build((6,), 2).double()
    for model, factor in zip(models, (1.0, 2.0), strict=True):
        model.decoder = Fixed(model.decoder, factor)
    with pytest.raises(CapabilityError, match="cannot differ in 'penalties__0__weight', which their modules are built"):
        Members(models)


def test_a_larger_beta_trains_to_a_smaller_rate():
    torch.manual_seed(0)
    models = [Recipe(NET, latent=Gaussian(beta=beta)).build((6,), 2).double() for beta in (0.01, 1.0, 10.0)]
    members = Members(models)
    train(members, rows(200, 0), None, Training(epochs=20), seed=0)
    batch = Batch(rows(50, 1).samples)
    rates = [members.extract(i)(batch, noise=False).code.info["kl"].detach().sum() for i in range(3)]
    assert rates[0] > rates[1] > rates[2]


def test_members_are_copies_and_extracts_are_whole():
    models = built(Recipe(NET), (2, 4))
    before = [copy.deepcopy(model) for model in models]
    members = Members(models)
    assert len(members) == 2
    for i in range(2):
        close(members.extract(i), before[i])
    train(members, rows(40, 0), None, Training(epochs=1), seed=0)
    for model, kept in zip(models, before, strict=True):
        close(model, kept)


def test_refuses_what_is_not_of_one_shape():
    with pytest.raises(ParameterError, match="at least one"):
        Members([])
    with pytest.raises(ParameterError, match="net__hidden"):
        Members([*built(Recipe(MLP((9,))), (2,)), *built(Recipe(MLP((8,))), (2,))])
    with pytest.raises(ParameterError, match="one shape"):  # the widths are chosen for the code
        Members(built(Recipe(MLP()), (2, 300)))
    with pytest.raises(ParameterError, match=r"numbers.*latent"):
        Members([*built(Recipe(NET), (2,)), *built(Recipe(NET, latent=TopK(1)), (2,))])
    with pytest.raises(CapabilityError, match="cannot be padded"):
        Members(built(Recipe(NET, latent=KLSparsity()), (2, 3)))
    with pytest.raises(CapabilityError, match="one pass"):
        Members([Recipe(Conv()).build((1, 8, 8), 2)] * 2)(Batch(torch.rand(2, 1, 8, 8)))
