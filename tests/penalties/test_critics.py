"""Critics: each player's gradient reaches its own weights alone, and what they make of codes."""

import copy
import math

import pytest
import torch

from diabolo import Generator, Training, load
from diabolo.conditioning import Told
from diabolo.errors import CapabilityError, ParameterError
from diabolo.flow import Batch, Code, Output
from diabolo.latents import Gaussian, Plain
from diabolo.members import Members
from diabolo.model import Recipe, count_weights
from diabolo.nets import MLP, Linear
from diabolo.penalties import MMD, Adversarial, Critic, Factor
from diabolo.training import Callback, Rows, train

NET = MLP((32,))
both = pytest.mark.parametrize("part", [Adversarial(2.0, 8), Factor(2.0, 8)], ids=str)


def built(part, n=3, latent=Plain(), condition=0):  # noqa: B008  (a part is frozen)
    torch.manual_seed(0)
    return Recipe(MLP((7,)), latent, penalties=(part,)).build((6,), n, condition)


def of_critic(model):
    return [name for name, _ in model.named_parameters() if name.startswith("critics.")]


def slopes(model, value):
    """Return the gradient of a value by each weight, by name; None where it has none."""
    names, weights = zip(*model.named_parameters(), strict=True)
    return dict(zip(names, torch.autograd.grad(value, weights, allow_unused=True, retain_graph=True), strict=True))


def clusters(count, seed):
    """Return samples (count, 6) of four clusters far apart."""
    draw = torch.Generator().manual_seed(seed)
    centres = 3 * torch.randn(4, 6, generator=torch.Generator().manual_seed(1))
    return centres[torch.randint(4, (count,), generator=draw)] + 0.5 * torch.randn(count, 6, generator=draw)


def correlated(count, seed, rho=0.9):
    """Return samples (count, 4) whose first two numbers are correlated, and which hold little else."""
    draw = torch.Generator().manual_seed(seed)
    u, v = torch.randn(2, count, generator=draw)
    z = torch.stack([u, rho * u + (1 - rho**2) ** 0.5 * v], 1)
    return 2 * z @ torch.eye(2, 4) + 0.1 * torch.randn(count, 4, generator=draw)


def trained(model, x, steps):
    train(model, Rows(x[200:], lambda x: x), Rows(x[:200], lambda x: x), Training(steps=steps), seed=0)
    return model


def discrepancy(z):
    free = torch.zeros(len(z))
    torch.manual_seed(0)
    output = Output(z, Code(z, z, free), z, free, free)
    model = Told(built(MMD()), None)
    return sum(MMD(1.0).penalty(model, Batch(z), output).item() for _ in range(10)) / 10


def total_correlation(z):
    """Return that of a normal distribution with the correlations of z."""
    return -0.5 * torch.logdet(torch.corrcoef(z.T.double())).item()


@both
def test_the_critic_learns_from_its_own_term_alone_and_the_autoencoder_from_the_others(part):
    model, x = built(part), torch.randn(40, 6)
    whole = slopes(model, model(Batch(x)).loss)
    heavier = built(part(weight=200.0))
    torch.manual_seed(1)
    alone = slopes(model, model(Batch(x)).penalties[type(part).__name__.lower()].mean())
    torch.manual_seed(1)
    dearer = slopes(heavier, heavier(Batch(x)).penalties[type(part).__name__.lower()].mean())
    for name, slope in alone.items():
        assert whole[name] is not None
        if name in of_critic(model):  # it pays for its own errors, whatever they cost the autoencoder
            torch.testing.assert_close(dearer[name], slope)
        elif name.startswith("encoder"):
            torch.testing.assert_close(dearer[name], 100 * slope, rtol=1e-3, atol=1e-6)
        else:
            assert slope is None


@both
def test_each_players_gradient_reaches_its_own_weights_alone(part):
    model = built(part)
    critic = model.critics[type(part).__name__.lower()]
    assert isinstance(critic, Critic)
    z = torch.randn(20, 3, requires_grad=True)
    judged = critic.judged(z).sum()
    assert torch.equal(judged, critic(z).sum())
    assert torch.autograd.grad(judged, z, retain_graph=True)[0].abs().sum() > 0
    assert all(slope is None for slope in slopes(model, judged).values())
    for calm in (0.0, 1.0):
        learning = critic.learning(torch.randn_like(z), z, calm)
        assert learning.item() == 0
        assert torch.autograd.grad(learning, z, allow_unused=True, retain_graph=True)[0] is None
        found = slopes(model, learning)
        assert all((slope is not None) == (name in of_critic(model)) for name, slope in found.items())


def test_the_gradient_of_a_critic_is_that_of_its_errors():
    torch.manual_seed(0)
    critic, first, second = Critic(3, 8).double(), *torch.randn(2, 50, 3, dtype=torch.float64)
    odds = torch.cat([critic(first), critic(second)])
    kinds = torch.cat([torch.ones(50), torch.zeros(50)]).double()
    errors = 2 * torch.nn.functional.binary_cross_entropy_with_logits(odds, kinds)
    slope = critic(first.requires_grad_()).sum() + critic(second.requires_grad_()).sum()
    squares = torch.autograd.grad(slope, (first, second), create_graph=True)
    calmed = errors + 0.5 * 0.3 * sum(square.square().sum(1).mean() for square in squares)
    weights = list(critic.parameters())
    for found, wanted in ((critic.learning(first, second), errors), (critic.learning(first, second, 0.3), calmed)):
        pairs = zip(*(torch.autograd.grad(v, weights, retain_graph=True) for v in (found, wanted)), strict=True)
        for one, other in pairs:
            torch.testing.assert_close(one, other)


@both
@pytest.mark.parametrize("latent", [Plain(), Gaussian(), Gaussian(samples=3)], ids=str)
@pytest.mark.parametrize("count", [1, 5])
def test_the_term_is_one_number_per_sample_with_or_without_gradients(part, latent, count):
    model, x = built(part, latent=latent), torch.randn(count, 6)
    values = []
    for mode in (torch.enable_grad, torch.no_grad):
        with mode():
            output = model(Batch(x), noise=False)
        (value,) = output.penalties.values()
        assert value.shape == (count,)
        assert value.requires_grad == (mode is torch.enable_grad)
        assert bool(model(Batch(x)).penalties[type(part).__name__.lower()].isfinite().all())
        values.append(value)
    torch.testing.assert_close(*values)  # what the critic pays has no value


def test_a_critic_that_cannot_tell_costs_log_2_or_nothing():
    for part, value in ((Adversarial(3.0), 3 * math.log(2)), (Factor(3.0), 0.0)):
        model = built(part)
        for weight in model.critics.parameters():
            weight.data.zero_()
        (found,) = model(Batch(torch.randn(9, 6))).penalties.values()
        torch.testing.assert_close(found, torch.full((9,), value))


@pytest.mark.parametrize("rho", [0.0, 0.6])
def test_the_odds_of_a_critic_become_the_total_correlation(rho):
    torch.manual_seed(0)
    critic = Factor().build(2)
    adam = torch.optim.Adam(critic.parameters(), 3e-3)
    for step in range(1000):
        z = correlated(256, step + 10, rho)[:, :2] / 2
        adam.zero_grad()
        critic.learning(z, z.gather(0, torch.rand_like(z).argsort(0))).backward()
        adam.step()
    exact = -0.5 * math.log(1 - rho**2)
    assert critic(correlated(20_000, 5, rho)[:, :2] / 2).mean().item() == pytest.approx(exact, abs=0.06)


def test_adversarial_weight_brings_the_codes_of_clusters_to_the_prior():
    away, spread = [], []
    for weight in (0.0, 3.0, 30.0):
        torch.manual_seed(0)
        model = trained(Recipe(NET, penalties=(Adversarial(weight),)).build((6,), 2), clusters(2000, 0), 600)
        z = model.encode(clusters(1000, 5)).mean.detach()
        away.append(discrepancy(z))
        spread.append((torch.cov(z.T) - torch.eye(2)).abs().max().item())
    assert away[0] > 1.5 * away[1] > 1.5**2 * away[2]
    assert spread[0] > 2 > spread[1] > spread[2]


def test_factor_weight_makes_correlated_codes_independent():
    found = []
    for weight in (0.0, 0.3, 3.0):
        torch.manual_seed(0)
        model = Recipe(Linear(), penalties=(Factor(weight),)).build((4,), 2)
        with torch.no_grad():  # begin with the correlated numbers themselves as code
            model.get_parameter("encoder.map.weight").copy_(0.5 * torch.eye(2, 4))
            model.get_parameter("decoder.map.weight").copy_(2 * torch.eye(4, 2))
        trained(model, correlated(2000, 0), 500)
        x = correlated(5000, 3)
        output = model(Batch(x), noise=False)
        assert output.distortion.mean() < 0.1  # the code still tells all
        found.append(total_correlation(output.code.z.detach()))
    assert found[0] > 0.5
    assert max(found[1:]) < 0.06


@both
def test_the_last_weights_are_kept_as_no_two_epochs_compare(part):
    torch.manual_seed(0)
    x = clusters(400, 0)
    history = train(built(part), Rows(x, lambda x: x), None, Training(epochs=7, patience=1), seed=0)
    assert len(history) == history.best_epoch == 7
    assert history.stopped == "finished"


@both
def test_critics_travel_in_checkpoints(part, tmp_path):
    x, training = clusters(300, 0), Training(epochs=6)
    whole = built(part)
    train(whole, Rows(x, lambda x: x), None, training, seed=0)
    killed = built(part)

    class Kill(Callback):
        def on_epoch(self, run):
            if run.epoch == 3:
                raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        train(killed, Rows(x, lambda x: x), None, training, seed=0, callbacks=[Kill()], checkpoint=tmp_path / "c")
    resumed = built(part)
    train(resumed, Rows(x, lambda x: x), None, training, seed=0, checkpoint=tmp_path / "c")
    assert all(torch.equal(v, resumed.state_dict()[k]) for k, v in whole.state_dict().items())


@both
def test_critics_travel_in_files(part, tmp_path):
    x = clusters(100, 0).numpy()[:, :, None]
    recipe = Recipe(MLP((8,)), Gaussian(), penalties=(part, MMD(), part))
    generator = Generator(2, recipe=recipe, training=Training(steps=20), random_state=0).fit(x)
    name = type(part).__name__.lower()
    assert list(generator.model_.critics) == [name, f"{name}_2"]
    generator.save(tmp_path / "m")
    twin = load(tmp_path / "m", "cpu")
    for name, value in generator.model_.state_dict().items():
        assert torch.equal(value, twin.model_.state_dict()[name])


@both
def test_members_with_critics_are_what_they_would_be_alone(part):
    models = []
    for seed, weight in ((1, 0.5), (2, 4.0)):
        torch.manual_seed(seed)
        models.append(Recipe(MLP((7,)), penalties=(part(weight=weight),)).build((6,), 3))
    members, x = Members(models), clusters(50, 0)
    found = members(Batch(x), noise=False).loss
    torch.testing.assert_close(found, torch.stack([model(Batch(x), noise=False).loss for model in models]))
    history = train(members, Rows(x, lambda x: x), None, Training(epochs=2), seed=0)
    assert len(history) == 2
    for i, model in enumerate(models):
        moved = members.extract(i)
        assert all(not torch.equal(moved.get_parameter(name), model.get_parameter(name)) for name in of_critic(model))


def test_knobs_of_a_built_critic():
    model = built(Factor(2.0, 8))
    model.revise("penalties__0__weight", 5.0)
    assert model.recipe.penalties == (Factor(5.0, 8),)
    for path, value in (("penalties__0__hidden", 9), ("penalties", ()), ("penalties", (Factor(), Adversarial()))):
        with pytest.raises(ParameterError, match="changes the shape of weights; build a new model"):
            model.revise(path, value)


def test_weights_of_critics_are_not_those_of_the_model():
    plain = Recipe(MLP((7,))).build((6,), 3)
    for part in (Adversarial(), Factor(), MMD()):
        assert count_weights(built(part)) == count_weights(plain)
    assert plain.state_dict().keys() == built(MMD()).state_dict().keys()


def test_a_model_with_a_condition_has_a_critic_too():
    model = built(Adversarial(), condition=2)
    output = model(Batch(torch.randn(5, 6), condition=torch.randn(5, 2)))
    assert output.penalties["adversarial"].shape == (5,)


@both
def test_a_penalty_without_its_critic_says_what_to_do(part):
    model, x = Recipe().build((6,), 3), torch.randn(5, 6)
    with pytest.raises(CapabilityError, match=f"{type(part).__name__} asks its critic, .*build one, by Recipe"):
        part.penalty(model, Batch(x), model(Batch(x)))


@pytest.mark.parametrize("knobs", [{"weight": -1.0}, {"weight": math.nan}, {"hidden": 0}, {"hidden": 1.5}], ids=str)
@pytest.mark.parametrize("cls", [Adversarial, Factor])
def test_knobs_out_of_range_are_refused(cls, knobs):
    (name,) = knobs
    with pytest.raises(ParameterError, match=f"{name!r} of {cls.__name__} must be"):
        Recipe(penalties=(cls(**knobs),)).build((6,), 3)


def test_equations_hold_the_weights():
    assert Adversarial(0.5).equation().startswith("-0.5·log c(z)")
    assert Factor(0.5).equation().startswith("0.5·log c(z) / (1 − c(z))")


def test_copies_have_critics_of_their_own():
    model = built(Factor())
    other = copy.deepcopy(model)
    for weight in other.critics.parameters():
        weight.data += 1
    assert not any(
        torch.equal(a, b) for a, b in zip(model.critics.parameters(), other.critics.parameters(), strict=True)
    )
