"""What every part of every role keeps, whichever room it is in."""

import copy
import dataclasses
import importlib
import json
import pickle

import pytest
import torch
from sklearn.base import clone

from diabolo import rankers
from diabolo.corruptions import MaskPatches
from diabolo.latents import FSQ, Gaussian, Plain, TopK, VectorQuantized
from diabolo.likelihoods import Auto, Bernoulli, Categorical, Clipped, Laplace, Mixed, Multinomial, SquaredError
from diabolo.model import Recipe
from diabolo.nets import Bag
from diabolo.part import PARTS, from_json
from diabolo.penalties import MMD, Contractive
from diabolo.priors import Composite, Flow, Mixture, VampPrior
from diabolo.rankers import EASE, Blend, Neighbourhood, Trained
from diabolo.text import parse

ROOMS = ["nets", "corruptions", "latents", "likelihoods", "penalties", "pretrainings", "priors", "schedules", "rankers"]
for room in ROOMS:
    importlib.import_module(f"diabolo.{room}")
CLASSES = [cls for room in ROOMS for _, cls in sorted(PARTS[room].items())]
REVISED = [
    MaskPatches(0.5, size=2),
    Gaussian(beta=4, free_bits=0.25),
    Gaussian(capacity=2.5, prior=Mixture(3, "full")),
    VampPrior(20),
    Composite(0.5, pace=0.2),
    VectorQuantized(64, dim=2),
    Categorical(5),
    Clipped((-0.5, 0.0), (1.5, 2.0)),
    SquaredError(0.3),
    Mixed((Laplace(), Categorical(3), Mixed((Bernoulli(),), (2,))), (1, 3, 2)),
    Blend((EASE(300.0, dropout=0.5), Neighbourhood(50), rankers.Auto()), weights=(0.5, 1.0, 0)),
    Trained(Recipe(Bag((8, 4)), Gaussian(), likelihood=Multinomial(), corruption=MaskPatches(0.5))),
]
RECIPES = [
    Recipe(),
    Recipe(latent=Gaussian(prior=Flow(2))),
    Recipe(latent=TopK(3), penalties=(MMD(1e-3), Contractive())),
    Recipe(likelihood=Mixed((Laplace(), Categorical(3)), (1, 3)), corruption=MaskPatches(), latent=FSQ(5)),
]
VALUES = [*(cls() for cls in CLASSES), *REVISED, *RECIPES]
every_class = pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: f"{cls.role}.{cls.__name__}")
every_value = pytest.mark.parametrize("part", VALUES, ids=lambda part: f"{part.role}-{part!r}"[:60])


@every_class
def test_a_part_is_in_the_room_that_names_it(cls):
    room = importlib.import_module(f"diabolo.{cls.role}")
    assert getattr(room, cls.__name__) is cls  # also of a file that the room's __init__ does not name
    assert cls.__module__.startswith(f"diabolo.{cls.role}.")


@every_class
def test_a_part_is_documented(cls):
    assert ">>> " in cls.__doc__
    assert all(len(k.doc) > 10 for k in cls.knobs())


@every_class
def test_a_part_is_final(cls):
    with pytest.raises(TypeError, match="final"):
        type("Tweaked", (cls,), {})


@every_class
def test_the_defaults_are_allowed_and_the_bounds_are_kept(cls):
    cls().check()
    for k in cls.knobs():
        assert k.default in k.allowed
        assert "no such value" not in k.allowed
        with pytest.raises(ValueError, match=f"Parameter '{k.name}' of {cls.__name__} must be"):
            cls(**{k.name: "no such value"}).check()


@every_value
def test_json_gives_the_same_part(part):
    text = json.dumps(part.to_json(), allow_nan=False)
    assert from_json(json.loads(text)) == part


@every_value
def test_what_is_printed_can_be_read(part):
    assert parse(repr(part), part.role) == part


@every_value
def test_copies_are_the_same_part(part):
    assert copy.deepcopy(part) == part
    assert pickle.loads(pickle.dumps(part)) == part
    assert clone(part) is part
    assert part() == part
    assert hash(part()) == hash(part)
    assert {part: 1}[copy.deepcopy(part)] == 1


@every_value
def test_a_part_is_frozen(part):
    for k in part.knobs():
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(part, k.name, k.default)
    assert not any(isinstance(value, torch.Tensor) for value in vars(part).values())


@every_value
def test_a_part_has_an_equation(part):
    text = part.equation()
    assert isinstance(text, str)
    assert text
    assert text == text.strip()


def test_the_same_name_may_stand_in_two_roles():
    assert PARTS["latents"]["Gaussian"] is not PARTS["likelihoods"]["Gaussian"]
    assert from_json({"part": "likelihoods.Gaussian"}) == PARTS["likelihoods"]["Gaussian"]()
    assert parse("Gaussian(beta=2)", "latents") == Gaussian(2)


def test_a_default_recipe_is_plain():
    assert Recipe().latent == Plain()
    assert Recipe().likelihood == Auto()
    assert repr(Recipe()) == "Recipe()"
