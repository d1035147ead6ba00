"""A detector that learns on: streams that drift and streams that do not, and what is kept of them."""

from typing import Any

import numpy as np
import pytest
import torch
from tests.anomalies import corrupted, curve, middle, orders, plane, waves
from tests.worlds import digit_images

import diabolo
from diabolo import Detector, Training
from diabolo.errors import CapabilityError, DataError, DataTypeError, FileError, TrainingError
from diabolo.estimators.detection.memory import Memory, whole
from diabolo.recipes import RECIPES

SHORT = Training(steps=40, batch_size=256, validation=0.0)


Learner = Detector


def learner(**knobs: Any) -> Any:
    return Learner(**{"training": SHORT, "random_state": 0, **knobs})


def images(count: int, seed: int = 0) -> np.ndarray:
    """Digits as bytes (N, 1, 8, 8)."""
    return (np.random.default_rng(seed).permutation(digit_images())[:count] * 15).astype(np.uint8)


WORLDS = {"table": plane, "frame": orders, "series": waves, "images": images}


def moved(count: int, way: float, seed: int) -> np.ndarray:
    """The plane (N, 8), gone some way: after 1 each column by two standard deviations of its own."""
    x = plane(count, seed)
    return x + 2 * way * plane(2000).std(0) * np.where(np.arange(8) % 3, 1, -1)


def turned(count: int, way: float, seed: int) -> np.ndarray:
    """Two columns (N, 2) that go together, after 1 against each other: each by itself stays as it was."""
    x = np.random.default_rng(seed).normal(size=(count, 2))
    x[:, 1] = (1 - 2 * way) * x[:, 0] + np.sqrt(1 - (1 - 2 * way) ** 2 + 0.01) * x[:, 1]
    return x / x.std(0)


def flagged(detector: Any, X: Any) -> float:
    return float((detector.predict(X) < 0).mean())


def test_false_alarms_stay_near_their_rate_while_the_stream_drifts_and_anomalies_are_found():
    follows = learner(false_alarm_rate=0.05, memory=600).fit(plane(800, seed=1))
    stays = learner(false_alarm_rate=0.05).fit(plane(800, seed=1))
    alarms, missed, found = [], [], []
    for i in range(1, 13):
        usual = moved(400, i / 12, seed=100 + i)
        alarms.append((flagged(stays, usual), flagged(follows, usual)))
        found.append(flagged(follows, corrupted(usual, seed=i)[0]))
        follows.partial_fit(moved(150, i / 12, seed=200 + i))
        missed.append(follows.drift_.p_value)
    stuck, near = np.mean(alarms[6:], axis=0)
    assert stuck > 0.5
    assert near < 0.12
    assert np.mean(found) > 0.9
    assert max(missed) < 0.05


def test_what_is_remembered_longer_stays_usual_longer():
    shares = []
    for memory in (100, 10**9):
        detector = learner(memory=memory, contamination=0.05).fit(plane(500, seed=1))
        for i in range(4):
            detector.partial_fit(moved(250, 2.0, seed=10 + i))
        shares.append(flagged(detector, plane(400, seed=2)))
        assert flagged(detector, moved(400, 2.0, seed=3)) < 0.2
    assert shares[0] > 0.9 > 0.2 > shares[1]


def test_without_drift_the_rate_holds_after_every_batch():
    rates = []
    for seed in range(6):
        detector = learner(false_alarm_rate=0.1, memory=400, random_state=seed).fit(curve(400, seed=50 * seed))
        for i in range(1, 6):
            detector.partial_fit(curve(100, seed=50 * seed + i))
            rates.append(flagged(detector, curve(500, seed=9000 + 50 * seed + i)))
        assert flagged(detector, middle(300)) > 0.8
    assert 0.06 < np.mean(rates) < 0.12


def test_samples_held_out_are_never_learned_from():
    detector = learner(false_alarm_rate=0.1, memory=300).fit(plane(300))
    for i in range(1, 9):
        detector.partial_fit(plane(1 if i % 2 else 90, seed=i))
    memory = detector.memory_
    learned, held = ({tuple(row) for row in each.x.tolist()} for each in (memory.learned, memory.held))
    assert learned.isdisjoint(held)
    assert len(held) == pytest.approx(0.2 * 300, abs=15)
    assert len(learned) == len(detector.density_.placed.code) == pytest.approx(0.8 * 300, abs=60)
    np.testing.assert_array_equal(detector.scores_, np.sort(detector._scorer.energies(whole(memory.held.x))))
    assert memory.seen == 300 + 4 + 4 * 90


def test_without_a_rate_the_kept_samples_are_the_judges():
    detector = learner(contamination=0.1).fit(plane(300))
    detector.partial_fit(plane(100, seed=1))
    assert len(detector.memory_.learned.x) == len(detector.scores_) == 400
    np.testing.assert_array_equal(detector.memory_.learned.x[:300], detector.schema_.encode(plane(300), np.float64)[0])
    assert flagged(detector, np.vstack([plane(300), plane(100, seed=1)])) == pytest.approx(0.1)


@pytest.mark.parametrize(("name", "rate"), [("table", 0.2), ("frame", None), ("series", 0.2), ("series", None)])
def test_without_drift_few_p_values_are_small(name, rate):
    p = []
    for seed in range(40):
        detector = learner(false_alarm_rate=rate, random_state=seed, training=Training(steps=4, validation=0.0))
        p.append(detector.fit(WORLDS[name](150, seed=2 * seed)).drift(WORLDS[name](60, seed=2 * seed + 1)).p_value)
    for level in (0.05, 0.2):
        assert np.mean(np.array(p) <= level) <= level + 3 * np.sqrt(level * (1 - level) / len(p))
    assert max(p) > 0.5


def test_the_column_that_drifts_is_named_first():
    detector, later = learner(false_alarm_rate=0.1).fit(orders(600)), orders(300, seed=1)
    assert detector.drift(later).p_value > 0.01
    changes = {
        "price": later.assign(price=later["price"] + 15),
        "city": later.assign(city="Bern"),
        "when": later.assign(when=later["when"].dt.floor("D")),
        "weight missing": later.assign(weight=later["weight"].where(np.arange(300) % 2 == 0)),
        "price missing": later.assign(price=later["price"].where(np.arange(300) % 9 > 0)),
    }
    for name, frame in changes.items():
        found = detector.drift(frame)
        assert found.parts[0][0] == name
        assert found.p_value < 1e-6
    assert {name for name, _ in detector.drift(later).parts} >= {*orders(2).columns, "energy", "kids missing"}


def test_columns_that_no_longer_go_together_show_in_the_energy():
    detector = learner(false_alarm_rate=0.1).fit(turned(800, 0.05, seed=0))
    assert detector.drift(turned(300, 0.05, seed=1)).p_value > 0.01
    found = detector.drift(turned(300, 0.5, seed=1))
    assert [name for name, p in found.parts if p < 0.01] == ["energy"]
    without = learner().fit(turned(800, 0.05, seed=0)).drift(turned(300, 0.5, seed=1))
    assert {name for name, _ in without.parts} == {"0", "1"}


@pytest.mark.parametrize("name", ["series", "images"])
@pytest.mark.parametrize("rate", [None, 0.2])
def test_series_and_images_are_compared_by_their_codes_or_channels(name, rate):
    detector = learner(n_components=3, false_alarm_rate=rate).fit(WORLDS[name](300))
    channels = {"channel 0"} if name == "images" else {"channel 0", "channel 1"}
    names = {"code 0", "code 1", "code 2", "energy"} if rate else channels
    odd = 255 - images(150) if name == "images" else 2 * waves(150)[:, ::-1]
    same, other = detector.drift(WORLDS[name](150, seed=1)), detector.drift(odd)
    assert {part for part, _ in same.parts} == {part for part, _ in other.parts} == names
    assert other.p_value < 1e-4 < same.p_value


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("rate", [None, 0.2])
def test_every_kind_of_sample_is_learned_on_alike_whenever_it_is(name, rate):
    world, results = WORLDS[name], []
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002 - the global state is what this is about
    before = learner(false_alarm_rate=rate, memory=200).fit(world(120)).score_samples(world(50, seed=5))
    for _ in range(2):
        detector = learner(false_alarm_rate=rate, memory=200).fit(world(120))
        for i in (1, 2):
            assert detector.partial_fit(world(60, seed=i)) is detector
        results.append((detector.score_samples(world(50, seed=5)), detector.offset_, detector.drift_))
    np.testing.assert_array_equal(results[0][0], results[1][0])
    assert results[0][1:] == results[1][1:]
    assert not np.allclose(results[0][0], before)
    state = torch.rand(1), np.random.random()  # noqa: NPY002
    torch.manual_seed(7)
    np.random.seed(7)  # noqa: NPY002
    assert (torch.rand(1), np.random.random()) == state  # noqa: NPY002
    other = learner(false_alarm_rate=rate, memory=200, random_state=1).fit(world(120)).partial_fit(world(60, seed=1))
    assert not np.allclose(other.score_samples(world(50, seed=5)), results[0][0])


@pytest.mark.parametrize("rate", [None, 0.2])
def test_samples_may_come_one_by_one(rate):
    detector = learner(false_alarm_rate=rate, memory=150).fit(orders(150))
    for i in range(40):
        detector.partial_fit(orders(1, seed=i))
    assert detector.memory_.seen == 190
    kept = len(detector.memory_.learned.x) + len(detector.memory_.held.x)
    assert kept == pytest.approx(150, abs=25)
    assert np.isfinite(detector.score_samples(orders(20))).all()
    assert flagged(detector, orders(300, seed=99)) < 0.35


def test_what_was_never_seen_becomes_usual():
    detector = learner(memory=300, training=Training(steps=200, validation=0.0)).fit(orders(300))
    later = orders(300, seed=1).assign(city="Paris")
    later.loc[later.index[::3], "price"] = np.nan
    before = np.median(detector.score_samples(later))
    found = dict(detector.drift(later).parts)
    assert max(found["city"], found["price missing"]) < 1e-6
    for i in range(4):
        detector.partial_fit(later.sample(frac=1, random_state=i))
    assert np.median(detector.score_samples(later)) > before + 1
    assert detector.drift(later).p_value > 0.01
    assert np.isnan(detector.memory_.learned.x).any()


def test_the_model_learns_what_is_new():
    detector = learner(memory=300, n_components=1, training=Training(steps=400, validation=0.0))
    detector.fit(turned(400, 0.0, seed=0))

    def error():
        x = turned(400, 1.0, seed=1)
        return float(np.square(detector.reconstruct(x) - x).mean())

    before = error()
    for i in range(4):
        detector.partial_fit(turned(400, 1.0, seed=2 + i))
    assert error() < before / 4


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_learns_on(name):
    detector = learner(n_components=8, recipe=name, memory=60, training=SHORT(steps=10)).fit(orders(60))
    weights = {key: value.clone() for key, value in detector.model_.state_dict().items()}
    detector.partial_fit(orders(60, seed=1))
    assert any(not torch.equal(value, weights[key]) for key, value in detector.model_.state_dict().items())
    far = detector.score_samples(orders(9).assign(price=1e6))
    assert (far < np.median(detector.score_samples(orders(60)))).all()


def test_a_solved_model_is_solved_anew():
    detector = learner(recipe="linear", n_components=1, memory=50).fit(turned(100, 0.0, seed=0))
    detector.partial_fit(turned(1000, 1.0, seed=1))
    x = turned(400, 1.0, seed=2)
    fresh = learner(recipe="linear", n_components=1).fit(turned(1000, 1.0, seed=1))
    np.testing.assert_allclose(detector.reconstruct(x), fresh.reconstruct(x), atol=0.1)


def test_the_first_batch_fits():
    scores = learner().partial_fit(plane(100)).score_samples(plane(9))
    np.testing.assert_array_equal(scores, learner().fit(plane(100)).score_samples(plane(9)))


def test_rows_on_disk_are_a_batch_too(tmp_path):
    np.save(tmp_path / "x.npy", plane(90, seed=1))
    one, other = (learner().fit(plane(100)).partial_fit(X) for X in (str(tmp_path / "x.npy"), plane(90, seed=1)))
    np.testing.assert_array_equal(one.score_samples(plane(9)), other.score_samples(plane(9)))
    assert one.drift_ == other.drift_


@pytest.mark.parametrize("name", WORLDS)
@pytest.mark.parametrize("rate", [None, 0.2])
def test_a_saved_detector_learns_on_as_if_it_had_not_been(tmp_path, monkeypatch, name, rate):
    world = WORLDS[name]
    detector = learner(false_alarm_rate=rate, memory=200).fit(world(120)).partial_fit(world(60, seed=1))
    detector.save(tmp_path / "model.zip")
    again = diabolo.load(tmp_path / "model.zip")
    assert (again.memory_.seen, again.memory, again.drift_) == (180, 200, None)
    for X in (world(60, seed=2), world(1, seed=3)):
        assert again.partial_fit(X).drift_ == detector.partial_fit(X).drift_
        np.testing.assert_array_equal(again.score_samples(world(50)), detector.score_samples(world(50)))
        assert again.offset_ == detector.offset_


HOSTILE = {
    "no samples": lambda a: a.pop("learned.x"),
    "samples of none": lambda a: a.update({"learned.x": torch.ones(0, 8)}),
    "held of another width": lambda a: a.update({"held.x": torch.ones(9, 3)}),
    "no number": lambda a: a.pop("seen"),
    "a number below 1": lambda a: a["seen"].zero_(),
    "a fraction": lambda a: a.update(seen=torch.tensor(1.5)),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_memories_are_refused(name):
    memory = learner(false_alarm_rate=0.2).fit(plane(50)).memory_
    arrays = {key: value.clone() for key, value in memory.arrays().items()}
    HOSTILE[name](arrays)
    with pytest.raises(FileError, match="anew"):
        Memory.from_arrays(arrays, (8,))


WRONG = {
    "a column less": (plane(9)[:, 1:], DataError, "7"),
    "infinity": (np.full((3, 8), np.inf), DataError, "infinity"),
    "text": (np.full((3, 8), "a"), DataTypeError, "numbers"),
    "nothing": (plane(0), DataError, "0 sample"),
    "a series": (waves(5), DataError, "features"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_batch_changes_nothing(name):
    X, error, words = WRONG[name]
    detector = learner(false_alarm_rate=0.2).fit(plane(60))
    before, state = detector.score_samples(plane(9)), dict(vars(detector))
    with pytest.raises(error, match=words):
        detector.partial_fit(X)
    assert vars(detector) == state
    np.testing.assert_array_equal(detector.score_samples(plane(9)), before)


def test_errors_on_the_way_change_nothing():
    short = learner(false_alarm_rate=0.05, memory=20).fit(plane(200))
    mad = learner().fit(plane(200)).set_params(training__learning_rate=1e30, training__steps=4000)
    for detector, error, words in ((short, DataError, "calibration samples"), (mad, TrainingError, "step")):
        state, weights = dict(vars(detector)), detector.model_.state_dict()
        before = {name: value.clone() for name, value in weights.items()}
        with pytest.raises(error, match=words):
            detector.partial_fit(plane(60, seed=1))
        assert vars(detector) == state
        assert all(torch.equal(value, before[name]) for name, value in weights.items())


def test_windows_cannot_be_learned_on():
    series = np.sin(np.arange(400) / 5)
    detector = learner(window=16).fit(series)
    for method in (detector.partial_fit, detector.drift):
        with pytest.raises(CapabilityError, match="window"):
            method(series)
