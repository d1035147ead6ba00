"""Rows by a net in whole numbers: its bytes are what the trained net promises, and the same everywhere."""

import hashlib
import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch

from diabolo.codec.alphabet import Levels
from diabolo.codec.packed import pack, unpack
from diabolo.coders import Columns, Rows, Setting
from diabolo.coders.rows import coding as rows_coding
from diabolo.coders.rows.coding import RowCoding
from diabolo.coders.rows.lanes import LANES, ROWS, Lanes
from diabolo.coders.rows.net import STEPS, RowNet
from diabolo.errors import FileError, ParameterError
from diabolo.flow import Batch
from diabolo.training import Training

SHORT = Training(steps=60, batch_size=64, weight_decay=0.0)
LONGER = Training(steps=200, batch_size=128, learning_rate=1e-2, weight_decay=0.0)


def levels_of(values) -> Levels:
    """Return numbers (N, D) as levels from 1 on."""
    return (np.rint(values) - np.rint(values).min(0) + 1).astype(np.uint64)


def related(size=1600):
    """A table of levels (N, 5): a number, near it another, which class it is in, a linear relation, and noise."""
    draw = np.random.default_rng(0)
    x, noise = draw.normal(size=size) * 300, draw.normal(size=size) * 300
    return levels_of(
        np.stack([x, x + 10 * draw.normal(size=size), x > 100, noise, 2 * x - noise + 5 * draw.normal(size=size)], 1)
    )


def walks(size=1600):
    """A table of levels (N, 2) whose rows follow each other, one column as a cycle with slips does."""
    draw = np.random.default_rng(1)
    slips = np.where(draw.random(size) < 0.2, draw.integers(0, 7, size), 0)
    return levels_of(np.stack([np.cumsum(draw.normal(size=size)) * 8, (np.arange(size) + slips) % 7], 1))


@pytest.fixture(scope="module")
def both():
    """Tables of rows without and with an order, and what was learned of them."""
    tables = {0: related(), 2: walks()}
    return {k: (table, Rows(before=k).learn(table, Setting(n=8, training=LONGER))) for k, table in tables.items()}


@pytest.fixture(scope="module", params=[0, 2])
def learnt(request, both):
    return both[request.param]


def lanes(levels, before):
    """Return which rows are before each (N, before), −1 where a lane begins."""
    length = min(ROWS, -(-len(levels) // LANES)) if before else 1
    row = np.arange(len(levels))
    return np.stack([np.where(row % length >= lag, row - lag, -1) for lag in range(1, before + 1)] or [row], 1)


def nats_in_bits(levels, coding):
    """Return the −log₂ p of all rows by the floating point net that has the weights of a coding."""
    net = RowNet(coding.alphabets, coding.weights["embed"].shape[2], coding.before, len(levels))
    with torch.no_grad():
        for name, step in STEPS.items():
            getattr(net, name).copy_(torch.tensor(coding.weights[name] * step))
    told, spans = [], 0.0
    for alphabet, column in zip(coding.alphabets.each, levels.T, strict=True):
        group, place, _ = alphabet.grouped(column)
        told.append(np.stack([group, place, alphabet.measured(column)], 1))
        spans += np.log2(alphabet.spans[alphabet.first[group] + place].astype(float)).sum()
    told = np.stack(told, 2)  # (N, 3, D)
    none = np.zeros_like(told[0])
    none[0] = -1
    earlier = [np.where((at < 0)[:, None, None], none, told[at]) for at in lanes(levels, coding.before).T]
    x = np.stack([told, *earlier[: coding.before]], 1)
    with torch.no_grad():
        return float(net(Batch(torch.tensor(x, dtype=torch.float))).distortion.sum()) / np.log(2) + spans


def test_bytes_are_what_the_net_in_floating_point_promises(learnt):
    levels, coding = learnt
    bits = nats_in_bits(levels, coding)
    assert 0.99 * bits - 64 < 8 * len(coding.encode(levels)) < 1.01 * bits + 64


@pytest.mark.parametrize("count", [1, 15, 16, 17, 511, 600])
def test_rows_come_back_however_lanes_divide_them(learnt, count):
    levels, coding = learnt
    some = levels[-count:]
    np.testing.assert_array_equal(coding.decode(coding.encode(some), some.shape), some)


@pytest.mark.parametrize("count", [1, 17, 511, 1600])
def test_bytes_are_told_to_hold_their_rows_and_no_others(learnt, count):
    levels, coding = learnt
    some = levels[:count]
    data = coding.encode(some)
    assert coding.holds(data, some)
    other, draw = some.copy(), np.random.default_rng(count)
    row, column = draw.integers(count), draw.integers(some.shape[1])
    other[row, column] = next(level for level in levels[:, column] if level != some[row, column])
    assert not coding.holds(data, other)
    assert not coding.holds(coding.encode(other), some)


def test_rows_that_are_looked_at_together_do_not_matter(learnt, monkeypatch):
    levels, coding = learnt
    data = coding.encode(levels)
    for together in (1, 40, 300, 10**6):
        monkeypatch.setattr(rows_coding, "_TOGETHER", together)
        assert coding.encode(levels) == data
        np.testing.assert_array_equal(coding.decode(data, levels.shape), levels)


@pytest.mark.parametrize(("count", "length"), [(0, 1), (1, 1), (7, 3), (640, 10), (641, 11), (40_000, 512)])
def test_lanes_are_told_step_by_step(count, length):
    lanes = Lanes(count, length)
    rows = [np.arange(count)[step] for step in lanes.steps]
    assert sorted(lanes.order.tolist()) == list(range(count))
    assert np.array_equal(lanes.order, np.concatenate([np.empty(0, int), *rows]))
    assert lanes.starts.tolist() == np.cumsum([0, *map(len, rows)]).tolist()
    for lag in (1, 2):
        later = slice(int(lanes.starts[min(lag, len(rows))]), count)
        np.testing.assert_array_equal(lanes.order[lanes.earlier(later, lag)], lanes.order[later] - lag)
    together = list(lanes.together(2, 100))
    assert [step for steps in together for step in steps] == list(range(len(rows)))
    assert all(len(steps) == 1 for steps in together if steps.start < 2)


def test_columns_that_say_something_of_each_other_take_fewer_bytes(learnt):
    levels, coding = learnt
    alone = Columns().learn(levels, Setting())
    assert len(coding.encode(levels)) < 0.85 * len(alone.encode(levels))
    draw = np.random.default_rng(0)
    shuffled = np.stack([column[draw.permutation(len(column))] for column in levels.T], 1)
    apart = Rows(before=0).learn(shuffled, Setting(n=8, training=LONGER)).encode(shuffled)
    assert len(apart) > 0.98 * len(alone.encode(levels))


@pytest.mark.parametrize("noise", [4, 40, 400])
def test_the_nearer_a_column_is_to_another_the_fewer_bits_it_takes(noise):
    draw = np.random.default_rng(0)
    x = 400 * draw.normal(size=1500)
    levels = levels_of(np.stack([x, x + noise * draw.normal(size=1500)], 1))
    coding = Rows(before=0).learn(levels, Setting(n=4, training=LONGER))
    first = Columns().learn(levels[:, :1], Setting()).encode(levels[:, :1])
    bits = 8 * (len(coding.encode(levels)) - len(first)) / 1500
    assert bits < np.log2(noise * np.sqrt(2 * np.pi * np.e)) + 0.7  # the entropy of the noise, and less than a bit


def test_a_linear_relation_is_learned():
    draw = np.random.default_rng(0)
    a, b = 300 * draw.normal(size=(2, 1500))
    levels = levels_of(np.stack([a, b, 2 * a - b], 1))
    coding = Rows(before=0).learn(levels, Setting(n=4, training=LONGER))
    with_it, without = (len(coding.encode(levels)), len(Columns().learn(levels, Setting()).encode(levels)))
    assert 8 * (without - with_it) / 1500 > 3.0


def test_an_order_of_rows_is_found():
    levels = walks()
    setting = Setting(n=4, training=SHORT)
    shuffled = levels[np.random.default_rng(0).permutation(len(levels))]
    for table, before in ((levels, 2), (shuffled, 0), (levels[:50], 0)):
        found = Rows().learn(table, setting)
        assert isinstance(found, RowCoding)
        assert found.before == before
    one, none = (len(Rows(before=k).learn(levels, Setting(n=4, training=LONGER)).encode(levels)) for k in (1, 0))
    assert one < 0.8 * none


def test_the_size_of_the_code_is_the_number_of_hidden_units():
    levels = related(200)
    for n in (1, 5):
        coding = Rows(before=0).learn(levels, Setting(n=n, training=SHORT))
        assert isinstance(coding, RowCoding)
        assert coding.weights["readout"].shape[1] == n


def test_weights_that_do_not_pay_for_themselves_are_none():
    draw = np.random.default_rng(0)
    levels = draw.integers(0, 9, (400, 3)).astype(np.uint64)
    coding = Rows(before=0).learn(levels, Setting(n=4, training=LONGER))
    assert isinstance(coding, RowCoding)
    assert np.mean([(w == 0).mean() for w in coding.weights.values()]) > 0.5


def restored(coding, copied=np.ascontiguousarray):
    plain, arrays = unpack(pack(*coding.state()))
    return Rows().restore(plain, {name: copied(value) for name, value in arrays.items()})


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("onednn", [True, False])
@pytest.mark.parametrize("copied", [np.ascontiguousarray, np.asfortranarray], ids=["rows first", "columns first"])
def test_bytes_are_the_same_whatever_computes_them(learnt, threads, onednn, copied):
    levels, coding = learnt
    data, before = coding.encode(levels), torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        with warnings.catch_warnings(action="ignore"), torch.backends.mkldnn.flags(enabled=onednn):
            again = restored(coding, copied)
            assert again.encode(levels) == data
            np.testing.assert_array_equal(again.decode(data, levels.shape), levels)
    finally:
        torch.set_num_threads(before)


def test_bytes_do_not_depend_on_the_order_of_sums(learnt, monkeypatch):
    levels, coding = learnt
    again, data = restored(coding), coding.encode(levels)
    assert isinstance(again, RowCoding)
    hidden = np.random.default_rng(0).permutation(again.weights["embed"].shape[2])
    for name in ("embed", "slope", "begin", "readout", "lean", "sharp"):
        monkeypatch.setitem(again.weights, name, again.weights[name][..., hidden])
    assert again.encode(levels) == data


def test_a_fresh_process_with_other_kernels_reads_the_same(both, tmp_path):
    expected = []
    for before, (levels, coding) in both.items():
        np.savez(tmp_path / f"{before}.npz", **coding.state()[1])
        (tmp_path / str(before)).write_bytes(coding.encode(levels))
        expected.append(hashlib.sha256(levels.tobytes() + coding.encode(levels)).hexdigest())
    code = (
        "import hashlib, pathlib, numpy as np\n"
        "from diabolo.coders import Rows\n"
        f"for before, shape in {[(k, table.shape) for k, (table, _) in both.items()]}:\n"
        "    with np.load(f'{before}.npz') as state: coding = Rows().restore({}, dict(state))\n"
        "    levels = coding.decode(pathlib.Path(str(before)).read_bytes(), shape)\n"
        "    print(hashlib.sha256(levels.tobytes() + coding.encode(levels)).hexdigest())\n"
    )
    kernels = {"OPENBLAS_CORETYPE": "Prescott", "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"}
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=os.environ | kernels, capture_output=True, text=True
    )
    assert found.stdout.split() == expected, found.stderr


def test_weights_that_do_not_fit_are_refused(learnt):
    _levels, coding = learnt
    plain, arrays = coding.state()
    with pytest.raises(FileError, match="no net of rows"):
        Rows().restore(plain, {name: value for name, value in arrays.items() if name != "net.lean"})
    with pytest.raises(FileError, match="no net of rows"):
        Rows().restore(plain, arrays | {"net.more": arrays["net.lean"]})
    for name in STEPS:
        weight = arrays[f"net.{name}"]
        for wrong in (weight[..., None], weight[..., :-1], weight.ravel()[:0], weight * 0 + 2**30, weight * 0 - 2**62):
            with pytest.raises(FileError):
                Rows().restore(plain, arrays | {f"net.{name}": wrong})


def test_weights_at_their_largest_are_exact_or_refused(learnt):
    levels, coding = learnt
    plain, arrays = coding.state()
    large = {
        name: np.where(value < 0, -(2**24), 2**24) if name.startswith("net.") else value
        for name, value in arrays.items()
    }
    one = Rows().restore(plain, large)
    two = Rows().restore(plain, {name: np.asfortranarray(value) for name, value in large.items()})
    data = one.encode(levels)
    assert two.encode(levels) == data
    np.testing.assert_array_equal(two.decode(data, levels.shape), levels)


def test_history_is_of_the_training(learnt):
    history = learnt[1].history
    assert len(history)
    assert history.facts()["ended"] != "solved"


def test_rows_before_are_eight_at_most():
    for before in (-1, 9, 1.5):
        with pytest.raises(ParameterError, match="'before' of Rows"):
            Rows(before=before).check()  # pyright: ignore[reportArgumentType]
