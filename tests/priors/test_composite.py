"""The composite prior: a density, exact, of codes whose samples an older encoder knows; and how that one follows."""

from typing import Any

import pytest
import torch
from tests.nets.test_bag import histories
from torch.distributions import Normal as Known

from diabolo.corruptions import Masking
from diabolo.errors import CapabilityError
from diabolo.flow import Batch
from diabolo.latents import Gaussian
from diabolo.likelihoods import Multinomial, SquaredError
from diabolo.members import Members
from diabolo.model import Recipe, count_weights
from diabolo.nets import MLP, Bag
from diabolo.priors import Composite
from diabolo.priors.diagonal import moments
from diabolo.training import Rows, Training, train
from diabolo.training.gradient import gradient_of

PART = Composite()


def built(part=PART, n=2, corruption=None, samples=1) -> Any:
    torch.manual_seed(0)
    recipe = Recipe(Bag((8,)), Gaussian(samples=samples, prior=part), Multinomial(), corruption)
    model: Any = recipe.build((30,), n).double()
    for weight in prior_of(model).older.parameters():
        weight.data += 0.3 * torch.randn_like(weight)  # an older encoder that says something else
    prior_of(model).log_var.data.fill_(2.0)
    return model


def prior_of(model) -> Any:
    return model.latent.prior


def by_hand(model, z, x, older=0.75):
    """Return log p(z|x) (B,) of codes (B, n)."""
    mean, log_var = moments(prior_of(model).older(x)[0])
    parts = [Known(mean, (0.5 * log_var).exp()), Known(0.0, 1.0), Known(0.0, torch.tensor(1.0).exp())]
    shares = [older, (1 - older) * 0.6, (1 - older) * 0.4]
    each = [share * part.log_prob(z).exp() for share, part in zip(shares, parts, strict=True)]
    return torch.stack(each).sum(0).log().sum(1)


@pytest.mark.parametrize("older", [0.0, 0.2, 0.75])
def test_the_density_is_that_of_three_distributions(older):
    model, x = built(Composite(older)).eval(), histories()
    z = 2 * torch.randn(6, 2, dtype=torch.float64)
    found = prior_of(model).of(x).log_density(z)
    torch.testing.assert_close(found, by_hand(model, z, x, older))
    torch.testing.assert_close(prior_of(model).log_density(z), by_hand(model, z, x, 0.0))  # of unknown samples


def test_each_draw_is_compared_with_its_own_sample():
    model, x = built().eval(), histories()
    z = torch.randn(3 * 6, 2, dtype=torch.float64)
    found = prior_of(model).of(x).log_density(z).view(3, 6)
    for draws, row in zip(z.view(3, 6, 2), found, strict=True):
        torch.testing.assert_close(row, by_hand(model, draws, x))
    assert bool(built(samples=3)(Batch(x)).loss.isfinite())


def test_densities_integrate_to_one_and_samples_are_their_own():
    model = built(n=1).eval()
    line = torch.linspace(-40, 40, 8001, dtype=torch.float64)[:, None]
    known = prior_of(model).of(histories(rows=1))
    for prior in (prior_of(model), known):
        assert prior.log_density(line).exp().sum().item() * 0.01 == pytest.approx(1, abs=1e-6)
    torch.manual_seed(1)
    drawn = model.latent.sample(50_000)
    assert drawn.var().item() == pytest.approx(0.6 + 0.4 * torch.tensor(2.0).exp().item(), rel=0.05)
    assert (drawn.abs() < 1).double().mean().item() == pytest.approx(0.6 * 0.6827 + 0.4 * 0.2868, abs=0.01)


def test_the_rate_is_that_of_the_sample_as_it_is():
    """All of x is hidden from the encoder, and nothing from the older one."""
    model, x = built(corruption=Masking(1.0)).eval(), histories()
    output = model(Batch(x))
    q = Known(output.code.mean, (0.5 * output.code.info["log_var"]).exp()).log_prob(output.code.z).sum(1)
    torch.testing.assert_close(output.rate, q - by_hand(model, output.code.z, x))
    assert output.code.mean.unique(dim=0).shape == (1, 2)


@pytest.mark.parametrize("noise", [True, False])
def test_a_sparse_batch_costs_what_a_dense_one_does(noise):
    model, x = built().eval(), histories()
    losses = []
    for batch in (Batch(x), Batch(x.to_dense())):
        torch.manual_seed(1)
        losses.append(model(batch, noise).loss)
    torch.testing.assert_close(*losses)


@pytest.mark.parametrize("pace", [0.0, 0.25, 1.0])
def test_the_older_encoder_follows_at_its_pace_in_training_alone(pace):
    model, x = built(Composite(pace=pace)), histories()
    encoder, older = model.encoder, prior_of(model).older
    before = [weight.clone() for weight in older.parameters()]
    model.eval()(Batch(x))
    assert all(map(torch.equal, before, older.parameters()))
    model.train()(Batch(x))
    for old, kept, now in zip(before, older.parameters(), encoder.parameters(), strict=True):
        torch.testing.assert_close(kept.data, torch.lerp(old, now, pace).data)
    model.encode(x)  # whose cost nobody asked for
    model.reconstruct(x)
    model.latent.sample(3)
    for old, kept, now in zip(before, older.parameters(), encoder.parameters(), strict=True):
        torch.testing.assert_close(kept.data, torch.lerp(old, now, pace).data)


def test_codes_stay_nearer_to_those_of_the_older_encoder_the_more_it_weighs():
    """Of an encoder that stays behind: what training makes of codes, by how much it weighs."""
    away = []
    for older in (0.0, 0.99):
        model, x = built(Composite(older, pace=0.0)), histories(40)
        adam = torch.optim.Adam([w for w in model.parameters() if w.requires_grad], 0.02)
        torch.manual_seed(2)
        for _ in range(100):
            adam.zero_grad()
            model(Batch(x)).loss.backward()
            adam.step()
        with torch.no_grad():
            then = moments(prior_of(model).older(x)[0])[0]
            away.append((model.encode(x).mean - then).square().mean().item())
    assert away[1] < 0.5 * away[0]


def test_the_older_encoder_is_kept_but_neither_trained_nor_counted():
    model = built()
    assert not any(weight.requires_grad for weight in prior_of(model).older.parameters())
    assert "latent.prior.older.table" in model.state_dict()
    plain = Recipe(Bag((8,)), Gaussian(), Multinomial()).build((30,), 2)
    assert count_weights(model) == count_weights(plain) + 1
    other = built().float()
    other.load_state_dict(model.state_dict())
    x, z = histories().float(), torch.randn(6, 2)
    found = [prior_of(m.float().eval()).of(x).log_density(z) for m in (model, other)]
    torch.testing.assert_close(*found)


def test_annealing_changes_beta_and_no_weight():
    model = built()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.revise("latent__beta", 0.1)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_without_an_encoder_only_the_sample_is_unknown():
    module: Any = Composite().build(2)
    assert module.log_density(torch.zeros(1, 2)).shape == (1,)
    with pytest.raises(CapabilityError, match=r"has none here; build it in a model"):
        module.of(torch.zeros(1, 30))


def test_the_fast_gradient_of_a_dense_stack_knows_the_samples_too():
    model: Any = Recipe(MLP((8,)), Gaussian(prior=Composite(pace=0.0)), SquaredError(0.3)).build((6,), 2)
    for weight in prior_of(model).older.parameters():
        weight.data += torch.randn_like(weight)
    weights, batch = [weight for weight in model.parameters() if weight.requires_grad], Batch(torch.randn(16, 6))
    torch.manual_seed(1)
    terms, found = gradient_of(model, weights)(batch)
    torch.manual_seed(1)
    output = model(batch)
    torch.testing.assert_close(terms["rate"], output.rate.mean())
    for one, other in zip(found, torch.autograd.grad(output.loss, weights), strict=True):
        torch.testing.assert_close(one, other)


def test_members_are_trained_together_each_with_its_own_older_encoder():
    recipes = [Recipe(MLP((8,)), Gaussian(beta, prior=Composite(pace=0.5)), SquaredError(0.3)) for beta in (0.5, 2.0)]
    members = Members([recipe.build((6,), 2) for recipe in recipes])
    x = torch.randn(64, 6, generator=torch.Generator().manual_seed(0))
    history = train(members, Rows(x, form=lambda x: x), None, Training(epochs=30))
    assert all(loss == loss for loss in history.rows()[-1].values())
    for model in map(members.extract, range(2)):
        pairs = list(zip(prior_of(model).older.parameters(), model.encoder.parameters(), strict=True))
        assert all(torch.allclose(kept, now, atol=0.2) and not torch.equal(kept, now) for kept, now in pairs)
