"""What a generator learns is computed first, and then taken up as one value."""

from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest
import torch
from tests.anomalies import waves

from diabolo import Generator, Recipe, Training
from diabolo.errors import FileError
from diabolo.estimators.fitted import FittedModel
from diabolo.estimators.generation.densities import settle
from diabolo.estimators.generation.intake import started
from diabolo.estimators.generation.known import Known
from diabolo.latents import Gaussian
from diabolo.nets import MLP


def quick(**knobs):
    recipe = Recipe(MLP((16,)), Gaussian())
    return Generator(3, recipe=recipe, training=Training(steps=20), random_state=0, device="cpu", **knobs)


def learned(estimator):
    return {name for name in vars(estimator) if name.endswith("_")}


@pytest.mark.parametrize("X", [waves(60), np.random.default_rng(0).normal(size=(60, 3))], ids=["series", "rows"])
def test_nothing_is_set_on_the_way(X):
    generator, y = quick(), np.arange(60) % 2
    start, form, conditions = started(generator, X, y, generator.check_parameters(), generator._seed())
    fitted = FittedModel.of(start, generator.schedule)
    fitted.model.eval()
    known = settle(start, form, conditions, None, True)
    assert learned(generator) == {"n_features_in_"}
    twin = quick().fit(X, y)
    np.testing.assert_array_equal(known.kl, twin.kl_)
    assert (known.density_part, known.collapsed) == (twin.density_part_, twin.collapsed_)


def test_a_generator_holds_each_part_under_a_name_of_its_own():
    generator = quick().fit(waves(60))
    known = generator._known
    assert {f"{field.name}_" for field in fields(Known)} <= learned(generator)
    assert all(getattr(known, field.name) is getattr(generator, f"{field.name}_") for field in fields(Known))
    with pytest.raises(FrozenInstanceError):
        known.kl = np.zeros(3)  # type: ignore[misc]


@pytest.mark.parametrize("X", [waves(60), np.random.default_rng(0).normal(size=(60, 3))], ids=["series", "rows"])
def test_it_is_saved_and_read(X):
    generator = quick().fit(X, np.arange(60) % 2)
    plain, arrays = generator._known.saved()
    columns, collapsed = generator.n_features_in_, generator.collapsed_
    again = Known.from_saved(plain, arrays, generator.model_, columns, collapsed)
    assert again.saved()[0] == plain
    assert again.saved()[1].keys() == arrays.keys()
    assert all(torch.equal(value, arrays[name]) for name, value in again.saved()[1].items())
    for wrong in (None, [7], "0"):
        with pytest.raises(FileError, match="does not fit its model"):
            Known.from_saved(plain, arrays, generator.model_, columns, wrong)
