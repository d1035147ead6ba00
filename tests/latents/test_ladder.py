"""The hierarchical latent: identities and knobs."""

from typing import Any

import pytest
import torch
from torch.distributions import Normal

from diabolo.errors import ParameterError
from diabolo.flow import Batch
from diabolo.generation import evidence
from diabolo.latents import Gaussian, Ladder
from diabolo.model import Recipe
from diabolo.nets import MLP
from diabolo.priors import Composite, Flow, Mixture, VampPrior
from diabolo.training import Rows, Training, train


def moved(levels=(2, 3), n=7, **knobs):
    """Return a module whose nets say something."""
    module = Ladder(levels=levels, hidden=8, **knobs).build(n).double()
    with torch.no_grad():
        for weight in module.parameters():
            weight.normal_(std=0.4)
    return module


def test_the_ratio_is_that_of_the_chains():
    torch.manual_seed(0)
    module, h = moved(), torch.randn(3, 14, dtype=torch.float64)
    z, ratio = module.draws(h, 4)
    assert z.shape == (12, 7)
    mean, log_var = h.repeat(4, 1).chunk(2, 1)
    log_var = 20 * torch.tanh(log_var / 20)
    found = torch.zeros(12, dtype=torch.float64)
    for start, end, net in ((0, 2, None), (2, 5, module.nets[0]), (5, 7, module.nets[1])):
        m, log_s2 = net(z[:, :start]).chunk(2, 1) if net else (torch.zeros(12, 2).double(),) * 2
        log_s2 = 20 * torch.tanh(log_s2 / 20)
        p = Normal(m, (0.5 * log_s2).exp())
        own, said = log_var[:, start:end].exp(), mean[:, start:end]
        if net:  # precisions add up
            both = 1 / (1 / own + 1 / p.variance)
            own, said = both, both * (said / own + p.mean / p.variance)
        found += (Normal(said, own.sqrt()).log_prob(z[:, start:end]) - p.log_prob(z[:, start:end])).sum(1)
    assert torch.allclose(ratio, found)


def test_the_kl_is_the_mean_of_the_ratio():
    torch.manual_seed(0)
    module, h = moved(samples=1000), torch.randn(1, 14, dtype=torch.float64)
    code = module(h, noise=True)
    assert code.info["log_ratio"].mean().item() == pytest.approx(code.info["kl"].sum().item(), rel=0.05)


def test_draws_of_the_prior_are_those_that_the_density_expects():
    """E_p[q/p] = 1, whatever q is, so the two agree on p."""
    torch.manual_seed(0)
    module = moved((1,), 2)
    z = module.sample(200_000)
    said, log_said = torch.tensor([[0.3, -0.2]]).double(), torch.tensor([[-0.5, -1.0]]).double()
    m, log_s2 = module.nets[0](z[:, :1]).chunk(2, 1)
    p = [Normal(torch.zeros(1).double(), 1.0), Normal(m[:, 0], (0.5 * log_s2[:, 0]).exp())]
    q = Normal(said, (0.5 * log_said).exp())
    log_q = q.log_prob(z).sum(1)
    log_p = p[0].log_prob(z[:, 0]) + p[1].log_prob(z[:, 1])
    assert (log_q - log_p).exp().mean().item() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("prior", [Mixture(3), Flow(layers=2, hidden=8)])
def test_the_highest_level_may_have_a_learned_prior(prior):
    """What changes of the ratio is what the two priors say of that level; and E_p[q/p] = 1 for the new one too."""
    module, plain = moved((2,), 3, prior=prior), moved((2,), 3)
    plain.nets.load_state_dict(module.nets.state_dict())
    h = 0.5 * torch.randn(1, 6, dtype=torch.float64)
    (z, ratio), (same, before) = (_seeded(lambda m=m: m.draws(h, 50_000)) for m in (module, plain))
    assert torch.equal(z, same)
    top = z[:, :2]
    assert torch.allclose(ratio - before, Normal(0.0, 1.0).log_prob(top).sum(1) - module.prior.log_density(top))
    assert (-ratio).exp().mean().item() == pytest.approx(1, abs=0.1)  # E_q[p/q]
    drawn = _seeded(lambda: module.sample(50_000))
    assert torch.allclose(drawn[:, :2].mean(0), _seeded(lambda: module.prior.sample(50_000)).mean(0), atol=0.05)


@pytest.mark.parametrize("prior", [Mixture(3), Flow(layers=2), VampPrior(4), Composite()])
@pytest.mark.parametrize("samples", [1, 3])
def test_priors_of_the_highest_level_are_learned(prior, samples):
    torch.manual_seed(0)
    x = torch.randn(64, 6)
    model = Recipe(MLP(hidden=(8,)), Ladder(levels=(2,), hidden=8, samples=samples, prior=prior)).build((6,), 4)
    model.latent.begin([x])
    model(Batch(x)).loss.backward()
    moved = {name for name, weight in model.latent.named_parameters() if weight.grad is not None and weight.grad.any()}
    assert any(name.startswith("prior.") for name in moved)
    assert model.latent.sample(5).shape == (5, 4)
    assert evidence(model, x[:4], 10).bound.isfinite().all()
    calm = model(Batch(x), noise=False)
    assert calm.loss == model(Batch(x), noise=False).loss
    assert calm.loss.isfinite()


def test_a_prior_of_inputs_and_of_an_older_encoder_see_the_highest_level():
    torch.manual_seed(0)
    x = torch.randn(64, 6)
    model = Recipe(MLP(hidden=(8,)), Ladder(levels=(1,), hidden=8, prior=VampPrior(4))).build((6,), 3)
    model.latent.begin([x])
    prior: Any = model.latent.prior
    inputs = prior.inputs.detach()
    assert torch.allclose(inputs, x[torch.linspace(0, 63, 4).round().long()], atol=0.1)
    h = model.encoder(inputs)[0]
    mean, log_var = prior._posteriors()
    assert torch.allclose(mean, h[:, :1])  # of three means and three log variances, the first of each
    assert torch.allclose(log_var, 20 * torch.tanh(h[:, 3:4] / 20))

    known = Recipe(MLP(hidden=(8,)), Ladder(levels=(1,), hidden=8, prior=Composite())).build((6,), 3).eval()
    h = known.encoder(x)[0]
    apart = known.latent.of(x, h, False).rate - known.latent(h, False).rate
    assert (apart < 0).double().mean() > 0.9  # the older encoder says what this one says, and so it costs less


def test_without_noise_a_learned_prior_that_is_normal_costs_what_the_normal_one_does():
    torch.manual_seed(0)
    h = torch.randn(5, 8)
    flow, plain = Ladder(levels=(2,), prior=Flow()).build(4), Ladder(levels=(2,)).build(4)  # flows start at N(0, I)
    assert torch.allclose(flow(h, noise=False).rate, plain(h, noise=False).rate, rtol=0.02)


def _seeded(draw):
    torch.manual_seed(0)
    with torch.no_grad():
        return draw()


def test_nets_that_say_nothing_leave_the_prior_of_a_gaussian():
    torch.manual_seed(0)
    module, h = Ladder(levels=(2,)).build(4), torch.randn(5, 8)
    top, flat = module(h, noise=False), Gaussian().build(4)(h, noise=False)
    assert torch.allclose(top.info["kl"][:, :2], flat.info["kl"][:, :2])
    share = 1 / (1 + (20 * torch.tanh(h[:, 6:] / 20)).exp())  # of what x says, against N(0, 1)
    assert torch.allclose(top.z[:, 2:], share * h[:, 2:4], atol=1e-6)
    assert torch.allclose(module.sample(20_000).std(0), torch.ones(4), atol=0.03)


def test_a_ladder_models_codes_that_a_gaussian_cannot():
    """Samples lie on a ring: the prior of the lower level bends to it."""
    draw = torch.Generator().manual_seed(0)
    angle = torch.rand(2000, generator=draw) * 6.2832
    x = torch.stack([angle.cos(), angle.sin()], 1) * 3 + 0.3 * torch.randn(2000, 2, generator=draw)
    scores = []
    for latent in (Gaussian(), Ladder(levels=(1,), hidden=32)):
        torch.manual_seed(1)
        model = Recipe(MLP(hidden=(32,)), latent).build((2,), 2)
        train(model, Rows(x[:1600], lambda x: x), Rows(x[1600:], lambda x: x), Training(epochs=80, batch_size=100))
        scores.append(float(evidence(model, x[1600:], 200).bound.mean()))
    assert scores[1] > scores[0] + 0.02


@pytest.mark.parametrize(("knob", "values"), [("beta", (0.1, 1.0, 10.0)), ("free_bits", (1.0, 0.5, 0.0))])
def test_knobs_move_the_kl(knob, values):
    draw = torch.Generator().manual_seed(3)
    x = torch.randn(256, 3, generator=draw) @ (2 * torch.randn(3, 6, generator=draw))
    rates = []
    for value in values:
        torch.manual_seed(0)
        model = Recipe(MLP(hidden=(16,)), Ladder(hidden=8, beta=5.0).revise(**{knob: value})).build((6,), 4)
        train(model, Rows(x, lambda x: x), None, Training(epochs=60, batch_size=64))
        rates.append(model.encode(x).info["kl"].sum(1).mean().item())
    assert rates[0] > rates[1] > rates[2]


def test_several_draws_are_a_tighter_bound():
    torch.manual_seed(0)
    losses = []
    for samples in (1, 5, 50):
        torch.manual_seed(0)
        model = Recipe(latent=Ladder(samples=samples)).build((6,), 4)
        losses.append(model(Batch(torch.ones(2000, 6))).loss.item())
    assert losses[0] > losses[1] > losses[2]


@pytest.mark.parametrize("levels", [(4,), (2, 2), ()])
def test_levels_must_leave_something_to_the_lowest(levels):
    with pytest.raises(ParameterError, match="'levels' of Ladder must"):
        Recipe(latent=Ladder(levels=levels)).build((6,), 4)


def test_a_code_of_one_number_has_no_levels():
    with pytest.raises(ParameterError, match="or a code of two numbers or more"):
        Recipe(latent=Ladder()).build((6,), 1)


@pytest.mark.parametrize(
    ("other", "why"), [({"samples": 2}, "samples > 1"), ({"prior": Flow()}, "the prior is learned")]
)
def test_free_bits_and_what_has_none_exclude_each_other(other, why):
    with pytest.raises(ParameterError, match=f"'free_bits' of Ladder must be 0 where {why}"):
        Recipe(latent=Ladder(free_bits=0.1, **other)).build((6,), 4)
