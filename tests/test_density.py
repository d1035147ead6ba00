"""The density: identities, and the same numbers by brute force."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diabolo.density import LEAST, MOST, Density
from diabolo.errors import FileError
from diabolo.nearness import BESIDE, GRAIN, ROWS, Measure, Neighbourhood, Placed, arithmetic, row, unforeseen

WIDTH, CODE = 4, 2


def placed(count, seed=0, width=WIDTH, code=CODE, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    sizes = (width, code, width)
    return Placed(*(scale * torch.randn(count, size, generator=generator, dtype=torch.float64) for size in sizes))


def stacked(*parts):
    return Placed.joined(parts)


def brute(density, where, alone=()):
    """The energies by the definition, one sample after the other; sample i passes over the kept one of that number."""
    each = []
    for near, level in zip(density.measure.each, density.levels, strict=True):
        kept, points = (near.point(found, density.unit).numpy() for found in (density.placed, where))
        count = min(len(kept) - 1, max(LEAST, round(near.share * len(kept))))
        each.append([_nearest(kept, point, i if i in alone else None)[:count].mean() for i, point in enumerate(points)])
        each[-1] = np.array(each[-1]) / level
    mean = np.mean(each, 0) if density.measure is not ROWS else np.prod(each, 0) ** (1 / len(each))
    return where.residual.shape[1] / 2 * mean


def _nearest(kept, point, itself):
    others = kept if itself is None else np.delete(kept, itself, 0)
    return np.sort(((others - point) ** 2).sum(1))


@pytest.mark.parametrize("measure", [BESIDE, ROWS, GRAIN])
@pytest.mark.parametrize("count", [2, 3, 7, 60, 300])
def test_energies_are_those_of_the_definition(count, measure):
    train, new = placed(count), placed(20, seed=1)
    density = Density.fit(train, measure)
    np.testing.assert_allclose(density.energy(new), brute(density, new), rtol=1e-9)
    kept = density.placed
    np.testing.assert_allclose(density.energy(kept), brute(density, kept, range(len(kept.code))), rtol=1e-9)


def test_a_kept_sample_is_passed_over_once_so_that_its_twin_counts():
    twice = stacked(placed(40), placed(40).part(torch.arange(1)))
    density = Density.fit(twice)
    np.testing.assert_allclose(density.energy(twice), brute(density, twice, range(41)), rtol=1e-9)
    assert density.energy(twice)[0] < Density.fit(placed(40)).energy(placed(40))[0]


@given(
    count=st.integers(2, 80),
    width=st.integers(1, 9),
    code=st.integers(1, 4),
    seed=st.integers(0, 1000),
    far=st.sampled_from([0.0, 1e-3, 1.0, 1e3]),
)
def test_parts_are_positive_and_sum_to_the_energy(count, width, code, seed, far):
    train = placed(count, seed, width, code)
    density = Density.fit(train)
    for where in (placed(5, seed + 1, width, code, far), train):
        (explained, parts), energy = density.explained(where), density.energy(where)
        assert torch.equal(explained, energy)
        assert parts.shape == where.residual.shape
        assert (parts >= 0).all()
        np.testing.assert_allclose(parts.sum(1), energy, rtol=1e-9, atol=1e-12)


def test_energies_depend_on_neither_the_block_nor_the_order():
    density, where = Density.fit(placed(300)), stacked(placed(30, seed=1), placed(300).part(torch.arange(10)))
    whole = density.energy(where)
    order = torch.randperm(40, generator=torch.Generator().manual_seed(0))
    np.testing.assert_allclose(density.energy(where.part(order)), whole[order], rtol=1e-9)
    for size in (1, 7):
        blocks = [density.energy(where.part(index)) for index in torch.arange(40).split(size)]
        np.testing.assert_allclose(torch.cat(blocks), whole, rtol=1e-9)


def test_the_order_of_the_training_samples_does_not_matter():
    train, new = placed(300), placed(20, seed=1)
    turned = train.part(torch.arange(299, -1, -1))
    np.testing.assert_allclose(Density.fit(turned).energy(new), Density.fit(train).energy(new), rtol=1e-9)


@pytest.mark.parametrize("width", [1, 6])
def test_the_median_training_sample_costs_half_a_nat_a_number(width):
    train = placed(41, width=width)  # 1 % and 10 % are both the least number of neighbours
    assert float(Density.fit(train).energy(train).median()) == pytest.approx(width / 2, rel=1e-9)


def test_energies_do_not_depend_on_the_units():
    train, new = placed(200), placed(20, seed=1)
    codes = [Placed(p.residual, 1e3 * p.code, p.rebuilt) for p in (train, new)]
    np.testing.assert_allclose(Density.fit(codes[0]).energy(codes[1]), Density.fit(train).energy(new), rtol=1e-9)
    bare = [Placed(p.residual, 0 * p.code, p.rebuilt) for p in (train, new)]
    large = [Placed(1e3 * p.residual, p.code, p.rebuilt) for p in bare]
    np.testing.assert_allclose(Density.fit(large[0]).energy(large[1]), Density.fit(bare[0]).energy(bare[1]), rtol=1e-9)


def test_more_samples_mean_more_neighbours_so_that_a_crowd_does_not_vouch_for_itself():
    far = placed(1, seed=5)
    crowd = Placed(*(part.expand(30, -1) + 6 for part in (far.residual, far.code, far.rebuilt)))
    few, many = (Density.fit(stacked(placed(count), crowd)) for count in (100, 1000))
    alone = Density.fit(placed(1000))
    assert float(few.energy(crowd).max()) == pytest.approx(0, abs=1e-9)  # 30 of 130 are a tenth of them, and usual
    usual = many.energy(placed(1000))
    assert float(many.energy(crowd).min()) > float(usual.max())
    assert float(many.energy(crowd).min()) < float(alone.energy(crowd).min())


def test_few_of_those_that_lie_far_out_in_a_crowd_do_not_vouch_for_one_another():
    generator = torch.Generator().manual_seed(7)
    crowd = Placed(*(0.1 * torch.randn(30, size, generator=generator).double() + 4 for size in (WIDTH, CODE, WIDTH)))
    train = stacked(placed(1000), crowd)
    strict, trusting = Density.fit(train, ROWS), Density.fit(train, replace(ROWS, trusts=None))
    assert len(trusting.placed.code) == 1030
    assert 950 < len(strict.placed.code) <= 1000  # of the usual ones hardly any is lost
    usual = placed(1000, seed=1)
    assert float(strict.energy(crowd).min()) > float(strict.energy(usual).max())
    assert float(trusting.energy(crowd).max()) < float(trusting.energy(usual).max())


def test_samples_of_many_equals_leave_the_others_trusted():
    train = placed(100)
    first = torch.cat([torch.zeros(80, dtype=torch.int64), torch.arange(20)])
    density = Density.fit(train.part(first), ROWS)
    assert len(density.placed.code) > 95


def test_the_row_itself_decides_where_everything_is_rebuilt():
    train, new = placed(200), placed(20, seed=1)
    flat = [Placed(1e-14 * p.residual, p.code, p.rebuilt) for p in (train, new)]
    rows, rest = (
        Density.fit(flat[0], Measure((Neighbourhood(point),), arithmetic)).energy(flat[1])
        for point in (row, unforeseen)
    )
    np.testing.assert_allclose(rest, rows, rtol=1e-6)


def test_a_sample_repeated_in_proportion_keeps_its_place():
    train, new = placed(500), placed(50, seed=1)
    twice = torch.arange(500).repeat_interleave(2)  # every other of them is looked at for the wide neighbourhood
    doubled = Placed(*(part[twice] for part in (train.residual, train.code, train.rebuilt)))
    bare = [Density(where, 1.0, (1.0, 1.0)) for where in (train, doubled)]
    counts = [[distances.shape[1] for distances, _ in density._nearest(new)] for density in bare]
    assert counts == [[5, 50], [10, 50]]
    np.testing.assert_allclose(bare[0].energy(new), bare[1].energy(new), rtol=1e-9)


def test_the_farther_the_rarer():
    density = Density.fit(placed(200))
    steps = torch.tensor([[4.0], [5.0], [10.0], [1e3], [1e8], [1e100]], dtype=torch.float64)
    for residual, code in ((steps, 0 * steps), (0 * steps, steps)):
        where = Placed(residual.repeat(1, WIDTH), code.repeat(1, CODE), (residual + code).repeat(1, WIDTH))
        energies = density.energy(where)
        assert (energies.diff() > 0).all()
        assert energies.isfinite().all()
        np.testing.assert_allclose(density.explained(where)[1].sum(1), energies, rtol=1e-9)


def test_two_samples_suffice():
    density = Density.fit(placed(2))
    assert density.energy(placed(2)).tolist() == pytest.approx([WIDTH / 2] * 2)
    assert float(density.energy(placed(1, seed=3, scale=100.0))) > 100 * WIDTH


@pytest.mark.parametrize("value", [0.0, 0.3])
def test_samples_that_are_all_equal_cost_nothing_and_others_something(value):
    rounding = 1e-17 * torch.arange(50, dtype=torch.float64).unsqueeze(1)
    same = Placed(rounding.repeat(1, WIDTH), value + rounding, torch.ones(50, WIDTH, dtype=torch.float64))
    density = Density.fit(same)
    assert float(density.energy(same).max()) < 1e-12
    assert float(density.explained(same)[1].sum()) < 1e-9
    other = Placed(same.residual[:1] + 1, same.code[:1], same.rebuilt[:1])
    assert float(density.energy(other)) == pytest.approx(WIDTH / 2 * WIDTH)


@given(seed=st.integers(0, 1000), count=st.integers(2, 400), width=st.integers(1, 10**7))
def test_few_are_distinct_rising_and_bounded(seed, count, width):
    few = Density.few(count, width, torch.Generator().manual_seed(seed))
    assert (few.diff() > 0).all()
    assert 0 <= int(few[0]) <= int(few[-1]) < count
    assert len(few) == min(count, max(64, min(MOST, 2**24 // width)))


def test_of_many_the_seed_chooses():
    few = [Density.few(10_000, 3, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1)]
    assert len(few[0]) == MOST
    assert torch.equal(few[0], few[1])
    assert not torch.equal(few[0], few[2])
    assert int(few[0].max()) > 9000


def test_arrays_round_trip():
    density, new = Density.fit(placed(50)), placed(20, seed=1)
    again = Density.from_arrays(density.arrays(), WIDTH, CODE)
    assert (again.unit, again.levels) == (density.unit, density.levels)
    assert torch.equal(again.energy(new), density.energy(new))
    assert torch.equal(again.explained(new)[1], density.explained(new)[1])


HOSTILE = {
    "a lost array": lambda a: a.pop("rebuilt"),
    "no scales": lambda a: a.pop("scales"),
    "NaN": lambda a: a["residual"].fill_(math.nan),
    "infinity": lambda a: a["code"].fill_(math.inf),
    "a level of 0": lambda a: a["scales"].fill_(0),
    "a negative unit": lambda a: a["scales"].neg_(),
    "too few scales": lambda a: a.update(scales=torch.ones(2)),
    "too many scales": lambda a: a.update(scales=torch.ones(4)),
    "another length": lambda a: a.update(code=torch.ones(49, CODE)),
    "another width": lambda a: a.update(residual=torch.ones(50, 5), rebuilt=torch.ones(50, 5)),
    "another code": lambda a: a.update(code=torch.ones(50, 3)),
    "flat arrays": lambda a: a.update({name: torch.ones(50) for name in ("residual", "code", "rebuilt")}),
    "no axis": lambda a: a.update(code=torch.tensor(1.0)),
    "three axes": lambda a: a.update(residual=torch.ones(50, WIDTH, 1), rebuilt=torch.ones(50, WIDTH, 1)),
    "one sample": lambda a: a.update({name: a[name][:1] for name in ("residual", "code", "rebuilt")}),
    "no sample": lambda a: a.update({name: a[name][:0] for name in ("residual", "code", "rebuilt")}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_arrays_are_refused(name):
    arrays = {key: value.clone() for key, value in Density.fit(placed(50)).arrays().items()}
    HOSTILE[name](arrays)
    with pytest.raises(FileError, match="saved density"):
        Density.from_arrays(arrays, WIDTH, CODE)
