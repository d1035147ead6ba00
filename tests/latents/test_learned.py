"""The Gaussian latent with priors other than the normal one, and with a capacity."""

import copy
import math
from functools import cache

import pytest
import torch
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal, kl_divergence

from diabolo import Reducer, load
from diabolo.errors import CapabilityError, ParameterError
from diabolo.flow import Batch
from diabolo.latents import Gaussian, Plain
from diabolo.latents.gaussian import GaussianModule
from diabolo.likelihoods import SquaredError
from diabolo.members import Members
from diabolo.model import Recipe
from diabolo.nets import MLP, Linear, Net
from diabolo.priors import Flow, Mixture, Normal, VampPrior
from diabolo.training import Rows, Training, train
from diabolo.training.gradient import gradient_of, stacks_of

LEARNED = [Mixture(3), Mixture(2, "full"), Flow(2, 8), VampPrior(5)]
every = pytest.mark.parametrize("prior", LEARNED, ids=str)
NET = MLP((16,))


def clusters(count, seed):
    """Return samples (count, 3) of four clusters far apart."""
    draw = torch.Generator().manual_seed(seed)
    centres = 2 * torch.tensor([[1.0, 1, 0], [1, -1, 0], [-1, 0, 1], [-1, 0, -1]])
    return centres[torch.randint(4, (count,), generator=draw)] + 0.1 * torch.randn(count, 3, generator=draw)


def built(latent, net: Net = NET, width=3, n=2, sigma=0.1):
    torch.manual_seed(0)
    return Recipe(net, latent, SquaredError(sigma)).build((width,), n)


def prior_of(model):
    assert isinstance(model.latent, GaussianModule)
    return model.latent.prior


def fitted(latent, steps=400, **how):
    model = built(latent, **how)
    model.latent.begin([clusters(400, 0)])
    train(model, Rows(clusters(400, 0), lambda x: x), None, Training(steps=steps, batch_size=64), seed=1)
    return model


@cache
def plain():
    """The model with a normal prior, to be read only."""
    return fitted(Gaussian())


def bound(model, x, count, seed=2):
    """Return the mean log p(x), from below, by `count` draws for each sample, but for a constant."""
    torch.manual_seed(seed)
    with torch.no_grad():
        z, ratio = model.latent.draws(model.hidden(x)[0], count)
        distortion = model.recipe.likelihood.distortion(model.decode(z), x.repeat(count, 1)).sum(1)
    return (-distortion - ratio).view(count, -1).logsumexp(0).mean().item() - math.log(count)


def test_fixed_draws_give_the_kl_where_it_is_known():
    module = Gaussian(prior=Mixture(1)).build(3).double()
    for name in ("mean", "log_scale"):
        module.prior.get_parameter(name).data.zero_()
    h = torch.randn(7, 6, dtype=torch.float64)
    torch.testing.assert_close(module(h, False).rate, Gaussian().build(3)(h, False).rate)


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
def test_the_rate_averages_to_the_kl_of_the_distributions(covariance):
    torch.manual_seed(0)
    module = Gaussian(2.0, prior=Mixture(1, covariance)).build(2).double()
    scale = module.prior.get_parameter("log_scale").data.add_(0.3).exp()[0]
    h = torch.tensor([[1.0, -0.5, 0.3, -1.0]], dtype=torch.float64).expand(4000, 4)
    mean, log_var = h[:1, :2], 20 * torch.tanh(h[:1, 2:] / 20)
    q = MultivariateNormal(mean, log_var.exp().diag_embed())
    p = MultivariateNormal(module.prior.get_parameter("mean"), scale.square().diag())
    exact = 2 * kl_divergence(q, p).item()
    code = module(h, noise=True)
    assert code.rate.mean().item() == pytest.approx(exact, abs=0.1)
    assert code.rate.std() > 0.1  # draws, not their expectation
    assert module(h, noise=False).rate[0].item() == pytest.approx(exact, abs=1e-6)  # a quadratic: exact by fixed draws
    assert "kl" not in code.info


@every
def test_several_draws_are_bounded_as_burda_has_it(prior):
    module = built(Gaussian(0.7, samples=5, prior=prior)).double().latent
    code = module(torch.randn(4, 4, dtype=torch.float64), noise=True)
    distortion = code.z.square().sum(1) + 1
    log_weight = -distortion.view(5, 4) - 0.7 * code.info["log_ratio"].view(5, 4)
    total = torch.stack(module.bound(code, distortion)[:2]).sum(0)
    torch.testing.assert_close(total, -(log_weight.exp().mean(0)).log())


@pytest.mark.parametrize("prior", [Normal(), *LEARNED], ids=str)
def test_draws_have_the_ratios_of_their_densities(prior):
    model = built(Gaussian(9.0, prior=prior)).double()
    h = torch.randn(5, 4, dtype=torch.float64)
    z, ratio = model.latent.draws(h, 3)
    assert z.shape == (15, 2)
    mean, log_var = h.repeat(3, 1).chunk(2, 1)
    q = torch.distributions.Normal(mean, (10 * torch.tanh(log_var / 20)).exp()).log_prob(z).sum(1)
    torch.testing.assert_close(ratio, q - prior_of(model).log_density(z))


def test_only_densities_can_be_drawn_with():
    with pytest.raises(CapabilityError, match="Plain has no densities"):
        Plain().build(2).draws(torch.zeros(1, 2), 3)


@pytest.mark.parametrize("prior", [Normal(), Mixture(3, "full")], ids=str)
def test_many_draws_reach_the_exact_likelihood_of_a_linear_world_and_few_stay_below(prior):
    torch.manual_seed(0)
    x = clusters(64, 0)
    model = built(Gaussian(prior=prior), Linear(), sigma=1.0).eval()
    for name, weight in model.named_parameters():
        weight.data = (
            torch.zeros_like(weight) if name.startswith("encoder") else weight + 0.3 * torch.randn_like(weight)
        )
    known = {name: weight.detach() for name, weight in model.named_parameters()}
    mean, covariance, logits = torch.zeros(1, 2), torch.eye(2)[None], torch.zeros(1)
    if isinstance(prior, Mixture):
        logits, mean, log_scale, mixing = (
            known[f"latent.prior.{name}"] for name in ("logits", "mean", "log_scale", "mixing")
        )
        whitening = (torch.eye(2) + mixing.triu(1)) / log_scale.exp()[:, None]
        covariance = (whitening @ whitening.mT).inverse()
    weight, bias = known["decoder.map.weight"], known["decoder.map.bias"]
    each = MultivariateNormal(mean @ weight.T + bias, weight @ covariance @ weight.T + torch.eye(3))
    exact = MixtureSameFamily(Categorical(logits=logits), each).log_prob(x).mean() + 1.5 * math.log(2 * math.pi)
    found = [bound(model, x, count) for count in (1, 10, 5000)]
    assert found[0] < found[1] - 0.1 < found[2]
    assert found[2] == pytest.approx(exact.item(), abs=0.05)


@every
def test_a_learned_prior_is_trained_by_autograd_and_fits_clusters_better_than_a_normal_one(prior):
    before = built(Gaussian(prior=prior))
    assert stacks_of(before, list(before.parameters())) is None
    model = fitted(Gaussian(prior=prior))
    names = [name for name, _ in model.named_parameters() if name.startswith("latent.prior.")]
    assert names
    for name in names:
        moved = not torch.equal(model.get_parameter(name), before.get_parameter(name))
        assert moved or name.endswith("mixing")
    held_out = clusters(300, 9)
    assert bound(model, held_out, 100) > bound(plain(), held_out, 100) + 0.15


@every
def test_beta_lowers_the_rate(prior):
    x = clusters(300, 9)
    rates = []
    for beta in (0.3, 1.0, 100.0):
        model = fitted(Gaussian(beta, prior=prior), steps=150)
        rates.append(model(Batch(x), noise=False).code.rate.mean().item() / beta)
    assert rates[0] > rates[1] > rates[2]


def test_more_components_fit_clusters_better():
    one, four = (bound(fitted(Gaussian(prior=Mixture(k))), clusters(300, 9), 100) for k in (1, 6))
    assert four > one + 0.15


def test_samples_of_a_vamp_prior_lie_in_the_clusters():
    model = fitted(Gaussian(prior=VampPrior(8)))
    torch.manual_seed(0)
    with torch.no_grad():
        drawn = model.sample(200)
    centres = 2 * torch.tensor([[1.0, 1, 0], [1, -1, 0], [-1, 0, 1], [-1, 0, -1]])
    distance, nearest = torch.cdist(drawn, centres).min(1)
    assert (distance < 0.6).float().mean() > 0.9
    assert len(nearest.unique()) == 4


@pytest.mark.parametrize("prior", [Normal(), Mixture(2)], ids=str)
def test_the_kl_is_held_at_the_capacity(prior):
    for capacity in (1.0, 3.0):
        model = fitted(Gaussian(50.0, capacity=capacity, prior=prior), sigma=0.5)
        kl = model(Batch(clusters(300, 9)), noise=False).code.rate.mean().item() / 50
        assert kl == pytest.approx(capacity, abs=0.3)


def test_the_capacity_costs_what_lies_beyond_it_on_average():
    torch.manual_seed(0)
    h = torch.randn(40, 6)
    code = Gaussian(2.0, capacity=1.5).build(3)(h, noise=True)
    assert torch.allclose(code.rate.mean(), 2 * (code.info["kl"].sum(1).mean() - 1.5).abs())
    assert torch.allclose(Gaussian(2.0, capacity=1.5).build(3)(h, noise=False).rate, 2 * code.info["kl"].sum(1))


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (Gaussian(free_bits=0.1, prior=Mixture()), r"'free_bits'.* where the prior is learned.*prior=Mixture\(\)"),
        (Gaussian(capacity=1.0, samples=2), "'capacity'.* where samples > 1.*got 1.0 with samples=2"),
        (Gaussian(capacity=1.0, free_bits=0.5), "'capacity'.* where free_bits > 0.*with free_bits=0.5"),
        (Gaussian(prior=Flow()), "Flow for codes of one number"),
    ],
    ids=str,
)
def test_what_does_not_go_together_says_why(part, words):
    with pytest.raises(ParameterError, match=words):
        part.build(1)


def test_equations_name_the_prior_and_the_capacity():
    assert Gaussian(4, prior=VampPrior(9)).equation() == "4·KL(q(z|x) ‖ 1/9 Σₖ q(z|uₖ))"
    assert Gaussian(4, capacity=2).equation() == "4·|KL(q(z|x) ‖ N(0, I)) − 2|"
    assert "k = 1…7" in Gaussian(samples=3, prior=Mixture(7)).equation()
    assert repr(Gaussian(prior=Normal())) == "Gaussian()"


@every
def test_annealing_revises_what_has_no_weights_and_nothing_else(prior):
    model = built(Gaussian(prior=prior))
    torch.manual_seed(5)
    state = torch.get_rng_state()
    model.revise("latent.beta", 3.0)
    assert torch.equal(state, torch.get_rng_state())  # the noise of training stays what it was
    assert model.latent.part == Gaussian(3.0, prior=prior)
    for path, value in (("latent.prior", Mixture(4)), ("latent.prior", Normal())):
        with pytest.raises(ParameterError, match="shape of weights"):
            model.revise(path, value)


@every
def test_a_copy_in_float64_reads_its_own_encoder(prior):
    model = built(Gaussian(prior=prior)).eval()
    precise, x = copy.deepcopy(model).double(), clusters(5, 0)
    rate = precise.encode(x.double()).rate
    assert rate.dtype == torch.float64
    torch.testing.assert_close(rate.float(), model.encode(x).rate, rtol=1e-3, atol=1e-3)
    assert precise.sample(3).dtype == torch.float64
    for weight in model.parameters():
        weight.data.fill_(torch.nan)
    assert torch.equal(precise.encode(x.double()).rate, rate)


@every
def test_a_state_dict_holds_the_prior_once(prior):
    model = built(Gaussian(prior=prior))
    assert len(model.state_dict()) == len(list(model.parameters()))
    other = Recipe(NET, Gaussian(prior=prior), SquaredError(0.1)).build((3,), 2)
    other.load_state_dict(model.state_dict())
    z = torch.randn(4, 2)
    assert torch.equal(prior_of(other).log_density(z), prior_of(model).log_density(z))


@every
def test_members_with_learned_priors_are_what_each_would_be_alone(prior):
    models = [built(Gaussian(beta, prior=prior)).double() for beta in (0.5, 2.0)]
    members = Members(models)
    batch = Batch(clusters(7, 0).double())
    alone = torch.stack([model(batch, noise=False).loss for model in models])
    torch.testing.assert_close(members(batch, noise=False).loss, alone)
    terms, gradient = gradient_of(members, list(members.weights))(batch)
    assert terms["rate"].shape == (2,)
    assert all(g is not None and bool(g.isfinite().all()) for g in gradient)
    train(members, Rows(clusters(60, 0).double(), lambda x: x), None, Training(epochs=2), seed=0)
    kept, trained = models[0].latent.state_dict(), members.extract(0).latent.state_dict()
    assert any(not torch.equal(kept[name], trained[name]) for name in kept)


def test_members_may_differ_in_capacity():
    models = [built(Gaussian(2.0, capacity=c)) for c in (0.5, 4.0)]
    batch = Batch(clusters(20, 0))
    found = Members(models)(batch).terms()["rate"]
    for rate, model in zip(found, models, strict=True):
        torch.testing.assert_close(rate, model(batch).rate.mean())  # the KL is no draw


@every
@pytest.mark.parametrize("scale", [1e4, -1e4])
def test_extreme_numbers_stay_finite(prior, scale):
    module = built(Gaussian(prior=prior)).latent
    h = torch.full((4, 4), scale).requires_grad_()
    for noise in (True, False):
        code = module(h, noise)
        (slope,) = torch.autograd.grad(code.rate.sum(), h)
        assert bool(code.rate.isfinite().all() and slope.isfinite().all())


@every
def test_a_saved_model_has_its_prior(prior, tmp_path):
    x = clusters(60, 0).numpy()
    recipe = Recipe(NET, Gaussian(prior=prior), SquaredError(0.1))
    reducer = Reducer(2, recipe=recipe, training=Training(epochs=40), random_state=0).fit(x)
    reducer.save(tmp_path / "model")
    again = load(tmp_path / "model")
    assert again.recipe_.latent == Gaussian(prior=prior)
    z = torch.randn(4, 2)
    assert torch.equal(prior_of(again.model_).log_density(z), prior_of(reducer.model_).log_density(z))
    torch.testing.assert_close(again.transform(x), reducer.transform(x), rtol=0, atol=0)
