"""A seed decides draws, and every random state of the user is as it was."""

from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from diabolo.seeding import places, seeded, sow

GENERATOR = torch.Generator


def draws():
    return torch.cat([torch.rand(3), torch.randn(20), torch.randperm(9).float()])


@pytest.mark.parametrize("seed", [0, 1, 2**40, np.int64(7)])
def test_the_draws_are_those_of_the_seed(seed):
    torch.manual_seed(int(seed))
    expected = draws()
    before = torch.get_rng_state()
    with seeded(seed):
        assert torch.equal(draws(), expected)
    assert torch.equal(torch.get_rng_state(), before)
    sow(seed)
    assert torch.equal(draws(), expected)


def test_the_state_is_as_before_after_an_error_and_inside_another():
    before = torch.get_rng_state()
    with pytest.raises(KeyError), seeded(0):
        draws()
        raise KeyError
    assert torch.equal(torch.get_rng_state(), before)
    with seeded(1):
        expected = draws()
    with seeded(1):
        with seeded(2):
            draws()
        assert torch.equal(draws(), expected)


@pytest.fixture
def cards(monkeypatch):
    """The states of two cards."""
    states = {"cuda:0": torch.zeros(16), "cuda:1": torch.ones(16)}
    module = SimpleNamespace(
        get_rng_state=lambda card: states[str(card)],
        set_rng_state=lambda state, card: states.update({str(card): state}),
    )
    monkeypatch.setattr(torch, "get_device_module", lambda _: module)
    monkeypatch.setattr(torch, "Generator", lambda _: GENERATOR())
    return states


def test_a_card_is_seeded_and_restored_and_others_are_left_alone(cards):
    before = dict(cards)
    with seeded(5, torch.device("cuda:0"), torch.device("cpu"), torch.device("cuda:0")):
        assert torch.equal(cards["cuda:0"], GENERATOR().manual_seed(5).get_state())
        assert cards["cuda:1"] is before["cuda:1"]
        cards["cuda:0"] = torch.full((16,), 9.0)  # it draws
    assert cards["cuda:0"] is before["cuda:0"]
    with pytest.raises(KeyError), seeded(5, torch.device("cuda:1")):
        raise KeyError
    assert {name: state is before[name] for name, state in cards.items()} == {"cuda:0": True, "cuda:1": True}


def test_no_card_is_asked_where_none_is_named(cards):
    cards.clear()
    with seeded(0, torch.device("cpu")):
        sow(1)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a card")
def test_the_draws_of_a_card_are_those_of_the_seed():
    card = torch.device("cuda", torch.cuda.current_device())
    torch.cuda.manual_seed(3)
    expected, before = torch.randn(20, device=card), torch.cuda.get_rng_state(card)
    for named in (card, torch.device("cuda")):
        with seeded(3, named):
            assert torch.equal(torch.randn(20, device=card), expected)
        assert torch.equal(torch.cuda.get_rng_state(card), before)
    with seeded(0):  # it is not named, and so goes on
        torch.randn(2, device=card)
    assert not torch.equal(torch.cuda.get_rng_state(card), before)


def test_where_a_model_lies():
    assert places(nn.Linear(2, 2)) == {torch.device("cpu")}
    assert places(nn.Identity()) == set()


def test_threads_take_turns():
    def drawn(i):
        with seeded(5):
            return torch.cat([torch.rand(1000) for _ in range(50)])

    before = torch.get_rng_state()
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(drawn, range(12)))
    assert all(torch.equal(each, found[0]) for each in found)
    assert torch.equal(torch.get_rng_state(), before)
