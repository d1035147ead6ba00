"""The benchmark of anomalies in tables on made-up numbers: its splits, its statistics, what it does with failures."""

from argparse import Namespace
from dataclasses import dataclass, field

import numpy as np
import pytest
from benchmarks import detect_tables as page
from benchmarks.harness import Side
from benchmarks.report import Report
from benchmarks.workers import sets
from benchmarks.workers.ours import Distance
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

NAMES = ["39_vertebral", "11_donors", "42_WBC"]  # the last two are set aside
Y = np.array([0.0, 0, 0, 1])


@dataclass
class Judge:
    """A worker that says what it is told to, by table and seed."""

    name: str
    blocks: dict = field(default_factory=dict)

    @property
    def measured(self):
        return Namespace(side=Side(self.name, "", {}), versions={})

    def go(self, table, seed, setting):
        good = {"scores": [0.0, 0.1, 0.2, 0.3], "fit": 2.0, "score": 0.5}
        return self.blocks.get((table, seed), good)


def report(tables=NAMES):
    return Report("", Namespace(rounds=3, only=tables, write=None))


def found(values, tables=NAMES, sides=("diabolo", "other")):
    """AUROC by table, side and seed; every other measure is a tenth of it, the share is 8."""
    full = np.stack([values, values / 10, np.full_like(values, 8), values / 10, values / 10], -1)
    return page.Found(sides, tables, full, {})


@pytest.fixture
def y_known(monkeypatch):
    monkeypatch.setattr(page, "anomaly_split", lambda *_: (None, None, Y))


@pytest.fixture
def table(tmp_path, monkeypatch):
    """A table of 20 normal rows and 10 anomalies, numbered, with a constant column; half is written twice."""
    X = np.column_stack([np.arange(30) + 100.0, np.full(30, 7.0)])
    y = np.repeat([0, 1], [20, 10])
    (tmp_path / "adbench").mkdir()
    twice = np.r_[np.arange(30), np.arange(0, 30, 2)]
    np.savez(tmp_path / "adbench" / "made.npz", X=X[twice].astype(np.float32), y=y[twice])
    monkeypatch.setattr(sets, "FOLDER", tmp_path)


@pytest.mark.parametrize(("setting", "sizes"), [("one-class", (10, 0, 10, 10)), ("contaminated", (14, 7, 6, 3))])
def test_a_split_uses_every_row_once_in_its_own_units(table, setting, sizes):
    train, test, y = sets.anomaly_split("made", 0, setting)
    rows = np.concatenate([train, test])
    assert sorted(rows[:, 0]) == list(range(100, 130))
    assert (rows[:, 1] == 7).all()
    assert ((test[:, 0] >= 120) == y).all()
    bad = (train[:, 0] >= 120).sum()
    assert (len(train) - bad, bad, (y == 0).sum(), (y == 1).sum()) == sizes
    assert (train[:, 0] != np.sort(train[:, 0])).any()


@pytest.mark.parametrize("setting", sets.SPLITS)
def test_a_split_hangs_on_its_seed_alone(table, setting):
    first, again, other = (sets.anomaly_split("made", seed, setting)[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_one_class_is_that_split_standardised(table):
    train, test, y = sets.one_class("made", 3)
    raw, _, labels = sets.anomaly_split("made", 3, "one-class")
    assert train.dtype == test.dtype == np.float32
    np.testing.assert_allclose(train[:, 0] * raw[:, 0].std() + raw[:, 0].mean(), raw[:, 0], rtol=1e-6)
    np.testing.assert_array_equal(train[:, 1], 0)
    np.testing.assert_array_equal(y, labels)


def test_a_column_that_is_constant_in_training_is_divided_by_1():
    train, test = sets.standardised(np.array([[5.0, 0], [5, 2]]), np.array([[5.5, 3.0]]))
    np.testing.assert_array_equal(train, [[0, -1], [0, 1]])
    np.testing.assert_array_equal(test, [[0.5, 2]])


def test_the_distance_to_the_mean_is_euclidean_up_to_3_and_grows_slowly_beyond():
    detector = Distance().fit(np.array([[-1.0, -1.0], [1.0, 1.0]]))
    rows = np.array([[0.0, 0.0], [0.6, -0.8], [3.0, 0.0], [-3.0, 0.0], [2 + np.e, 0.0], [-1e6, 0.0]])
    expected = [0, 1, 3, 3, 4, 3 + np.log(1e6 - 2)]
    np.testing.assert_allclose(-detector.score_samples(rows), expected)


def test_what_is_set_aside_never_changes():
    names = ["15_Hepatitis", "16_http", "21_Lymphography", "24_mnist", "27_PageBlocks", "2_annthyroid", "8_celeba"]
    assert all(map(page.set_aside, [*names, *NAMES[1:]]))
    assert not any(map(page.set_aside, ["39_vertebral", "17_InternetAds", "25_musk", "4_breastw", "47_yeast"]))


def test_the_bootstrap_gives_the_interval_of_a_mean():
    values = np.random.default_rng(1).normal(3, 2, 400)
    expected = values.mean() + np.array([-1.96, 1.96]) * values.std() / 20
    np.testing.assert_allclose(page.bootstrap(values), expected, atol=0.02)
    assert page.bootstrap(values) == page.bootstrap(values)


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=12))
def test_the_bootstrap_stays_within_the_values_and_turns_with_them(values):
    low, high = page.bootstrap(np.array(values))
    assert min(values) - 1e-9 <= low <= high <= max(values) + 1e-9
    np.testing.assert_allclose(page.bootstrap(-np.array(values)), (-high, -low), atol=1e-9)


def test_a_difference_counts_wins_and_no_ties():
    assert page.difference(np.array([2.0, 2.0])) == "+2.00 [+2.00, +2.00], better on 2 of 2"
    assert page.difference(np.array([1.0, 0.0, -1.0])).endswith("better on 1 of 3")


def test_the_spread_is_that_of_the_mean_over_tables():
    values = found(np.array([[[60.0, 70, 80]], [[80.0, 70, 60]], [[70.0, 70, 73]]]), sides=("other",)).values
    mean, spread = page.over_seeds(values, page.AUROC)
    np.testing.assert_allclose(mean, 633 / 9)
    np.testing.assert_allclose(spread, 1 / np.sqrt(3))


def test_scores_are_judged_by_order():
    values, failure = page.judged({"scores": [0.2, 0.4, 0.1, 0.3], "fit": 2.0, "score": 0.5}, Y)
    assert not failure
    expected = [100 * 2 / 3, 100 * average_precision_score(Y, [2, 4, 1, 3]), 25, 2, 0.5]
    np.testing.assert_allclose(values, expected)


@pytest.mark.parametrize(
    ("block", "said"),
    [
        ({"failed": "ValueError: no\n good"}, "ValueError: no good"),
        ({"scores": [0.0, float("nan"), float("inf"), 1.0], "fit": 1.0, "score": 1.0}, "2 of 4 scores are not finite"),
    ],
)
def test_a_failure_has_no_measure_but_the_share_of_anomalies(block, said):
    values, failure = page.judged(block, Y)
    assert failure == said
    np.testing.assert_array_equal(values, [np.nan, np.nan, 25, np.nan, np.nan])


def test_a_cell_says_at_how_many_seeds_a_side_fails():
    assert page.cell(np.array([80.0, 81, 82])) == "81.00"
    assert page.cell(np.array([80.0, np.nan, np.nan])) == "fails (2 of 3)"


def test_groups_without_failures_are_all_development_and_set_aside():
    values = np.arange(18.0).reshape(3, 2, 3)
    parts = page.groups(found(values))
    assert list(parts) == ["all (3)", "development (1)", "set aside (2)"]
    for part, rows in zip(parts.values(), ([0, 1, 2], [0], [1, 2]), strict=True):
        np.testing.assert_array_equal(part[..., page.AUROC], values[rows])


def test_a_group_without_tables_is_left_out():
    assert list(page.groups(found(np.ones((1, 2, 3)), NAMES[:1]))) == ["all (1)", "development (1)"]


def test_failures_are_left_out_for_all_sides_or_count_as_chance():
    values = np.full((3, 2, 3), 90.0)
    values[1, 1, 2] = np.nan
    parts = page.groups(found(values))
    none, chance = ", where none fails", ", chance for a failure"
    sizes = [f"all (2){none}", f"development (1){none}", f"set aside (1){none}"]
    assert list(parts) == [*sizes, f"all (3){chance}", f"development (1){chance}", f"set aside (2){chance}"]
    assert (parts[sizes[0]][..., page.AUROC] == 90).all()
    filled = parts[f"all (3){chance}"]
    np.testing.assert_array_equal(filled[1, 1, :, page.AUROC], [90, 90, 50])
    np.testing.assert_array_equal(filled[1, 1, :, page.PRECISION], [9, 9, 8])
    np.testing.assert_allclose(page.over_seeds(filled, page.AUROC)[0], [90, (8 * 90 + 50) / 9])


def test_where_every_table_has_a_failure_only_chance_is_left():
    values = np.full((3, 2, 3), 90.0)
    values[:, 0] = np.nan
    assert [label for label in page.groups(found(values)) if "none" in label] == []


def test_a_page_with_a_failure_says_who_and_where(y_known, recwarn):
    broken = {("11_donors", seed): {"failed": "MemoryError: too much"} for seed in (0, 2)}
    lines = report()
    page.summary(page.measure("one-class", lines, [Judge("diabolo"), Judge("other", broken)]), lines)  # type: ignore[list-item]
    assert "| 11_donors (set aside) | 100.00 | fails (2 of 3) |" in lines.lines
    assert "| 39_vertebral | 100.00 | 100.00 |" in lines.lines
    assert "| **AUROC, all (2), where none fails** | 100.00 ± 0.00 | 100.00 ± 0.00 |" in lines.lines
    assert "| **AUROC, all (3), chance for a failure** | 100.00 ± 0.00 | 88.89 ± 9.62 |" in lines.lines
    assert "| **average precision, all (3), chance for a failure** | 100.00 ± 0.00 | 83.33 ± 14.43 |" in lines.lines
    assert "| **seconds of fit** | 6.0 | 4.7 |" in lines.lines
    assert "| **seconds of fit and score** | 7.5 | 5.8 |" in lines.lines
    assert "Fails, in no sum of seconds: other on 11_donors: MemoryError: too much (seeds 0, 2)." in lines.lines
    last = lines.lines[-1].split(" | ")
    assert last[0] == "| other"
    assert last[1] == "+0.00 [+0.00, +0.00], better on 0 of 2"
    assert last[4].startswith("+11.11 [+0.00, +33.33], better on 1 of 3")
    assert [w for w in recwarn if issubclass(w.category, RuntimeWarning)] == []


def test_there_are_no_differences_without_ours(y_known):
    lines = report()
    page.summary(page.measure("one-class", lines, [Judge("one"), Judge("two")]), lines)  # type: ignore[list-item]
    assert not any("less that of" in line for line in lines.lines)
