"""The distribution of tokens: exact, its own samples, and near the entropy where that is known."""

import copy
import math
from typing import Any, cast

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diabolo import Generator
from diabolo.errors import DataError, ParameterError
from diabolo.expost import fit, fit_indices
from diabolo.latents import FSQ, Gaussian
from diabolo.model import Recipe
from diabolo.priors import MADE, Autoregressive, TokenPrior

SMALL = Autoregressive(hidden=16, layers=2)
every_part = pytest.mark.parametrize("part", [SMALL, MADE(hidden=32)], ids=lambda part: type(part).__name__)


def build(tokens=3, kinds=4, condition=0, part: TokenPrior = SMALL, far=1.0):
    """Return a distribution that is far from the uniform one."""
    torch.manual_seed(0)
    module = part.over(tokens, kinds, condition)
    for weight in module.parameters():
        weight.data += far * torch.randn_like(weight) / math.sqrt(weight.shape[-1])
    return module.double().eval()


def every(tokens, kinds):
    return torch.cartesian_prod(*[torch.arange(kinds)] * tokens).view(-1, tokens)


def chain(count, tokens, kinds, seed):
    """Return samples (count, tokens) of a Markov chain that begins anywhere, and their entropy in nats."""
    moves = (2 * torch.randn(kinds, kinds, generator=torch.Generator().manual_seed(0))).softmax(1)
    draw = torch.Generator().manual_seed(seed)
    found, at, entropy = [torch.randint(kinds, (count,), generator=draw)], torch.ones(kinds) / kinds, math.log(kinds)
    for _ in range(tokens - 1):
        found.append(torch.multinomial(moves[found[-1]], 1, generator=draw)[:, 0])
        entropy -= (at @ (moves * moves.log()).sum(1)).item()
        at = at @ moves
    return torch.stack(found, 1), entropy


@every_part
@pytest.mark.parametrize("tokens, kinds", [(1, 5), (3, 4), (5, 2), (2, 1)])
def test_probabilities_sum_to_one(tokens, kinds, part):
    mass = build(tokens, kinds, part=part).log_probability(every(tokens, kinds)).exp()
    assert mass.sum().item() == pytest.approx(1)
    assert kinds == 1 or mass.max() > 1.5 * mass.min()


@every_part
def test_samples_are_as_frequent_as_probable(part):
    module = build(part=part)
    drawn = module.sample(40_000)
    places = (drawn * torch.tensor([16, 4, 1])).sum(1).bincount(minlength=64) / 40_000
    mass = module.log_probability(every(3, 4)).exp()
    assert (places - mass).abs().max() < 5 * 0.5 / 200 * mass.max().sqrt()


@pytest.mark.parametrize("part", [SMALL, *(MADE(hidden=units) for units in (6, 7, 13, 32))], ids=str)
def test_a_token_is_told_by_those_before_it_alone(part):
    module, indices = build(6, 9, part=part), torch.randint(9, (5, 6))
    logits = module.logits(indices)
    for t in range(6):
        changed = indices.clone()
        changed[:, t] = (changed[:, t] + 1) % 9
        same = (module.logits(changed) == logits).all(2).all(0)
        assert same[: t + 1].all()
        assert not same[t + 1 :].any()


def test_memory_of_what_was_seen_changes_nothing():
    module, indices = cast(Any, build(7, 9, part=Autoregressive(hidden=64, layers=3))), torch.randint(9, (4, 7))
    begun = torch.cat([torch.full((4, 1), 9), indices[:, :-1]], 1)
    known: list = [None] * 3
    for t in range(7):
        x = module._placed(begun[:, t : t + 1], module.place[t : t + 1], None)
        for i, layer in enumerate(module.layers):
            x, known[i] = layer(x, known[i])
        torch.testing.assert_close(module.out(x[:, 0]), module.logits(indices)[:, t])


@every_part
def test_tokens_are_hidden_in_training_only(part):
    module, indices = build(part=part), torch.randint(4, (50, 3))
    still = module.log_probability(indices)
    assert torch.equal(module.log_probability(indices), still)
    assert not torch.equal(module.train().log_probability(indices), still)
    plain = build(part=part(hiding=0.0)).train()
    assert torch.equal(plain.log_probability(indices), plain.eval().log_probability(indices))


@pytest.mark.parametrize("part", [Autoregressive(hidden=32, layers=1), MADE(hidden=64)], ids=str)
def test_the_likelihood_of_a_markov_chain_is_its_entropy(part):
    indices, entropy = chain(4000, 6, 5, seed=1)
    module = fit_indices(part, indices, 5, steps=600)
    with torch.no_grad():
        found = -module.log_probability(chain(4000, 6, 5, seed=2)[0]).mean().item()
    assert found == pytest.approx(entropy, rel=0.02)


@every_part
def test_clusters_are_drawn_in_their_shares_and_by_condition(part):
    which = torch.arange(8000) % 10 < 3  # the first cluster has 30 %
    indices = torch.where(which[:, None], torch.tensor([0, 1, 0, 1]), torch.tensor([2, 3, 3, 2]))
    module = fit_indices(part, indices, 4, steps=300)
    torch.manual_seed(0)
    drawn = module.sample(4000)
    first, second = ((drawn == indices[i]).all(1).float().mean().item() for i in (0, 5))
    assert first == pytest.approx(0.3, abs=0.04)
    assert first + second > 0.97
    told = fit_indices(part, indices, 4, which[:, None].float(), steps=300)
    for condition, wanted in ((1.0, indices[0]), (0.0, indices[5])):
        assert (told.sample(500, torch.full((500, 1), condition)) == wanted).all(1).float().mean() > 0.97


@every_part
def test_equal_seeds_give_equal_distributions_that_travel_in_a_state_dict(part):
    indices, condition = torch.randint(6, (100, 4)), torch.randn(100, 2)
    before = torch.get_rng_state()
    one, two = (fit_indices(part, indices, 6, condition, seed=3, steps=20) for _ in range(2))
    assert torch.equal(before, torch.get_rng_state())
    other = part.over(4, 6, 2).eval()
    other.load_state_dict(one.state_dict())
    for module in (two, other, copy.deepcopy(one)):
        assert torch.equal(module.log_probability(indices, condition), one.log_probability(indices, condition))
    assert fit_indices(part, indices, 6, steps=5, seed=1).sample(2).shape == (2, 4)


@pytest.mark.parametrize("kind", [Autoregressive, MADE])
@given(hidden=st.integers(5, 70), layers=st.integers(1, 3), tokens=st.integers(1, 5), kinds=st.integers(1, 6))
def test_any_width_will_do(kind, hidden, layers, tokens, kinds):
    module = kind(hidden, layers).over(tokens, kinds)
    drawn = module.sample(3)
    assert drawn.shape == (3, tokens)
    assert drawn.dtype == torch.long
    log_p = module.log_probability(drawn)
    assert bool(log_p.isfinite().all())
    assert bool((log_p <= 1e-6).all())


def test_more_tokens_than_units_are_refused_before_anything_is_trained():
    with pytest.raises(ParameterError, match=r"'hidden' of MADE must be at least the number of tokens, 6; got 5"):
        MADE(hidden=5).over(6, 9)
    generator = Generator(6, recipe=Recipe(latent=FSQ()), density=MADE(hidden=5))
    with pytest.raises(ParameterError, match="'hidden' of MADE"):
        generator.check_parameters()


@every_part
def test_many_samples_are_drawn_in_parts(monkeypatch, part):
    from diabolo.priors import tokens

    module, counts = build(condition=1, part=part), []
    monkeypatch.setattr(module, "drawn", lambda count, told: counts.append((count, len(told))) or told[:, :1])
    monkeypatch.setattr(tokens, "_NUMBERS", 4 * module.remembered)
    module.sample(10, torch.arange(10.0)[:, None])
    assert counts == [(4, 4), (4, 4), (2, 2)]


@every_part
def test_samples_are_told_in_parts_to_the_same_probability(monkeypatch, part):
    from diabolo.priors import tokens

    module, indices, told = build(condition=1, part=part), torch.randint(4, (10, 3)), torch.arange(10.0)[:, None]
    whole = module.log_probability(indices, told)
    monkeypatch.setattr(tokens, "_NUMBERS", 4 * module.remembered)
    torch.testing.assert_close(module.log_probability(indices, told), whole)


@every_part
def test_codes_of_any_numbers_are_refused(part):
    for call in (
        lambda: part.build(4),
        lambda: fit(part, torch.randn(30, 4)),
        lambda: Recipe(latent=Gaussian(prior=part)).build((5,), 2),
    ):
        with pytest.raises(ParameterError, match=r"cannot be \w+ for codes .* quantised latent, such as .*Vector"):
            call()


@pytest.mark.parametrize(
    "indices, condition, words",
    [
        (torch.ones(5, dtype=torch.long), None, r"integers \(N, T\) from 0 to 3"),
        (torch.ones(1, 2, dtype=torch.long), None, "N >= 2"),
        (torch.ones(5, 0, dtype=torch.long), None, r"of shape \(5, 0\)"),
        (torch.ones(5, 2), None, "got torch.float32"),
        (torch.full((5, 2), 4), None, "from 0 to 3"),
        (torch.full((5, 2), -1), None, "from 0 to 3"),
        (torch.ones(5, 2, dtype=torch.long), torch.ones(4, 1), r"must be \(5, K\).*got shape \(4, 1\)"),
        (torch.ones(5, 2, dtype=torch.long), torch.ones(5), "a row for each"),
    ],
    ids=str,
)
def test_what_are_no_indices_is_refused(indices, condition, words):
    with pytest.raises(DataError, match=words):
        fit_indices(SMALL, indices, 4, condition)


@every_part
def test_what_does_not_fit_the_module_is_refused(part):
    module, told = build(part=part), build(part=part, condition=2)
    good = torch.zeros(5, 3, dtype=torch.long)
    for call, words in (
        (
            lambda: module.log_probability(good[:, :2]),
            r"integers \(B, 3\) from 0 to 3, of torch.long; got torch.int64 of shape \(5, 2",
        ),
        (lambda: module.log_probability(good + 4), "from 0 to 3"),
        (lambda: module.log_probability(good.double()), "got torch.float64"),
        (lambda: module.log_probability(good.int()), "of torch.long; got torch.int32"),
        (lambda: module.log_probability(good, torch.ones(5, 2)), r"must be None.*got one of shape \(5, 2\)"),
        (lambda: told.log_probability(good), r"a tensor of shape \(5, 2\); got None"),
        (lambda: told.sample(4, torch.ones(5, 2)), r"a tensor of shape \(4, 2\)"),
    ):
        with pytest.raises(DataError, match=words):
            call()


@pytest.mark.parametrize(
    "knobs, words", [({"hidden": 0}, "'hidden'"), ({"layers": 0}, "'layers'"), ({"hiding": 1.0}, "'hiding'")], ids=str
)
@pytest.mark.parametrize("kind", [Autoregressive, MADE])
def test_knobs_out_of_range_are_refused(kind, knobs, words):
    with pytest.raises(ParameterError, match=words):
        fit_indices(kind(**knobs), torch.zeros(5, 2, dtype=torch.long), 2)


def test_a_level_that_was_never_seen_is_told_as_those_beside_it_if_levels_are_ordered():
    first = torch.arange(4000) % 15
    indices = torch.stack([first, first], 1)[first != 7]  # a copy, of all levels but one
    shares = []
    for ordered in (False, True):
        module = fit_indices(MADE(hidden=32, hiding=0.0), indices, 15, ordered=ordered, steps=600)
        told = module.logits(torch.tensor([[3, 0], [7, 0]]))[:, 1].softmax(1)
        assert told[0, 3] > 0.9
        shares.append(told[1, 5:10].sum().item())
    assert shares[1] > 0.8 > shares[0]


@pytest.mark.parametrize("tokens, kinds", [(1, 5), (3, 4)])
def test_probabilities_of_levels_sum_to_one(tokens, kinds):
    module = MADE(hidden=32).over(tokens, kinds, ordered=True).double().eval()
    assert module.log_probability(every(tokens, kinds)).exp().sum().item() == pytest.approx(1)
