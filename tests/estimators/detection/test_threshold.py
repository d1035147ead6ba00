"""Where the line is drawn: shares and rates that are kept, and what is said where they cannot be."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import NotFittedError
from tests.anomalies import plane, quick, turns

import diabolo
from diabolo import files
from diabolo.errors import DataError, DiaboloWarning, ParameterError
from diabolo.estimators.detection.threshold import Threshold
from diabolo.metrics import cutoff

RATES = (0.01, 0.05, 0.1)


def exponential(count):
    """The quantiles of an exponential distribution."""
    return -np.log1p(-np.arange(0.5, count) / count)


@given(count=st.integers(1, 500), share=st.floats(0.001, 0.5), seed=st.integers(0, 100))
def test_contamination_is_the_share_of_distinct_scores_above(count, share, seed):
    scores = np.random.default_rng(seed).permutation(np.arange(1.0, count + 1))
    above = int((scores > Threshold(contamination=share).of(scores)).sum())
    assert abs(above - share * count) < 1


@given(count=st.integers(10, 400), rate=st.floats(0.11, 0.9))
def test_a_rate_that_so_many_can_vouch_for_is_the_conformal_cutoff(count, rate):
    scores = exponential(count)
    assert Threshold(false_alarm_rate=rate).of(scores) == cutoff(scores, rate)


@pytest.mark.parametrize("count", [9, 49, 99, 999])
def test_the_least_rate_that_is_guaranteed(count):
    scores, least = exponential(count), 1 / (count + 1)
    assert Threshold(false_alarm_rate=least).of(scores) == scores[-1]
    if count > 40:
        with pytest.warns(DiaboloWarning, match="extrapolated"):
            beyond = Threshold(false_alarm_rate=float(np.nextafter(least, 0))).of(scores)
        assert beyond > 0.8 * scores[-1]


@pytest.mark.parametrize("rate", [1e-3, 1e-4])
def test_a_smaller_rate_is_extrapolated_with_a_warning(rate):
    with pytest.warns(
        DiaboloWarning, match=rf"{rate:g} needs {round(1 / rate) - 1} calibration samples.*are 500.*higher"
    ):
        threshold = Threshold(false_alarm_rate=rate).of(exponential(500))
    assert threshold == pytest.approx(-np.log(rate), rel=0.15)


@pytest.mark.parametrize("scores", [exponential(30), np.ones(80)], ids=["few", "equal"])
def test_a_rate_that_cannot_even_be_extrapolated_is_refused(scores):
    with pytest.raises(DataError, match=r"false_alarm_rate of 0.001 needs 999 .* higher rate") as caught:
        Threshold(false_alarm_rate=0.001).of(scores)
    assert caught.value.args[0].count(". ") == 1


def test_auto_flags_what_is_far_and_little_else():
    scores = np.exp(np.random.default_rng(0).normal(size=20_000))
    assert (scores > Threshold().of(scores)).mean() == pytest.approx(0.005, abs=0.0005)  # at least so many reach it
    with_few = np.concatenate([scores, np.full(1000, 1e3)])
    assert (with_few > Threshold().of(with_few)).mean() == pytest.approx(1000 / 21_000, abs=0.002)


def test_the_line_of_auto_lies_farther_out_where_columns_are_few():
    """Energies of normal rows in few columns are about exponentials of a mean square: skewed, most so in one."""
    rng = np.random.default_rng(0)
    for columns in (1, 2, 3, 10, 50):
        usual = np.exp(np.square(rng.normal(size=(20_000, columns))).mean(1))
        with_few = np.concatenate([usual, np.full(4000, 1e6)])
        assert 0.005 < (usual > Threshold().of(usual, columns=columns)).mean() < 0.04
        assert (with_few > Threshold().of(with_few, columns=columns)).mean() >= 1 / 6
    lines = [Threshold().of(usual, columns=columns) for columns in (1, 2, 3, 10)]
    assert lines == sorted(lines, reverse=True)


@pytest.mark.parametrize("value", [0.0, 1e-12, 0.3, 1e6])
def test_auto_flags_none_of_equal_scores(value):
    assert value <= Threshold().of(np.full(30, value)) <= max(1.001 * value, 1e-6)


@pytest.mark.parametrize("equal", [0.45, 0.5, 0.55, 0.8])
def test_auto_does_not_flag_all_but_the_repeated(equal):
    scores = np.exp(np.random.default_rng(0).normal(size=1000))
    scores[: int(1000 * equal)] = 0
    assert (scores > Threshold().of(scores)).mean() < 0.01


BAD = {
    "share of more than half": ({"contamination": 0.6}, r"'contamination' of X .* in \(0, 0.5\] or 'auto'; got 0.6"),
    "share of nothing": ({"contamination": 0}, r"in \(0, 0.5\] or 'auto'; got 0"),
    "share as other text": ({"contamination": "some"}, "or 'auto'; got 'some'"),
    "no share": ({"contamination": None}, "or 'auto'; got None"),
    "share of yes": ({"contamination": True}, "got True"),
    "share of NaN": ({"contamination": float("nan")}, "got nan"),
    "rate of 0": ({"false_alarm_rate": 0}, r"'false_alarm_rate' of X must be a number in \(0, 1\) or None.*; got 0"),
    "rate of 1": ({"false_alarm_rate": 1.0}, r"in \(0, 1\).*got 1.0"),
    "rate in percent": ({"false_alarm_rate": 5}, r"in \(0, 1\).*got 5"),
    "rate as text": ({"false_alarm_rate": "0.1"}, "got '0.1'"),
    "both": ({"contamination": 0.1, "false_alarm_rate": 0.1}, "'contamination' .*false_alarm_rate.*Leave out"),
}  # fmt: skip


@pytest.fixture(scope="module")
def fitted():
    return quick().fit(plane(20))


@pytest.mark.parametrize("name", BAD)
def test_bad_values_are_refused_in_one_sentence(fitted, name):
    knobs, words = BAD[name]
    with pytest.raises(ParameterError, match=words):
        Threshold(**knobs).check("X")
    with pytest.raises(ParameterError, match=words.replace("of X", "of Detector")):
        quick(**knobs).fit(plane(20))
    with pytest.raises(ParameterError, match=words.replace("of X", "of Detector")):
        fitted.set_threshold(**knobs)


def test_contamination_flags_exactly_so_many_of_the_training_rows():
    X = plane(200)
    for share, count in ((0.01, 2), (0.05, 10), (0.1, 20), (0.5, 100)):
        detector = quick(contamination=share).fit(X)
        assert int((detector.predict(X) < 0).sum()) == count
        assert int((detector.fit_predict(X) < 0).sum()) == count


def test_the_line_moves_without_a_fit():
    X = plane(200)
    detector = quick().fit(X)
    weights = [value.clone() for value in detector.model_.state_dict().values()]
    scores = detector.score_samples(X)
    for share, count in ((0.05, 10), (0.2, 40), (0.05, 10)):
        assert detector.set_threshold(contamination=share) is detector
        assert int((detector.predict(X) < 0).sum()) == count
    np.testing.assert_array_equal(detector.score_samples(X), scores)
    np.testing.assert_array_equal(detector.decision_function(X), scores - detector.offset_)
    assert all(map(torch.equal, weights, detector.model_.state_dict().values()))
    assert detector.contamination == "auto"  # a parameter is what was said, not what was done since
    before = detector.offset_
    with pytest.raises(ParameterError):
        detector.set_threshold(contamination=2)
    assert detector.offset_ == before
    with pytest.raises(NotFittedError):
        quick().set_threshold()


def test_the_line_that_was_drawn_last_stays_in_force(tmp_path):
    detector = quick(false_alarm_rate=0.05).fit(plane(300)).set_threshold(contamination=0.3)
    detector.save(tmp_path / "model")
    for each in (detector, diabolo.load(tmp_path / "model")):
        each.partial_fit(plane(60, seed=1))
        assert (each.scores_ > -each.offset_).mean() == pytest.approx(0.3, abs=0.02)
    series = quick(window=10).fit(turns(600)).set_threshold(contamination=0.3)
    assert (
        series.stream().offset()
        == series.stream().offset(contamination=0.3)
        != quick(window=10).fit(turns(600)).stream().offset()
    )
    series.fit(turns(600))
    assert series.stream().offset() == series.stream().offset(contamination="auto")


def test_files_of_before_have_the_line_of_their_parameters(tmp_path):
    quick(contamination=0.3).fit(plane(60)).save(tmp_path / "model")
    document, arrays = files.load(tmp_path / "model")
    del document["job"]["threshold"], arrays["job.out_of_fold"]
    files.save(tmp_path / "model", document, arrays)
    again = diabolo.load(tmp_path / "model")
    assert (again.threshold_, again.out_of_fold_) == (Threshold(0.3), None)


@pytest.mark.parametrize("columns", [1, 2, 3, 10, 30])
def test_auto_flags_about_the_same_small_share_of_usual_rows_in_few_columns_and_in_many(columns):
    rng = np.random.default_rng(0)
    usual, odd = rng.normal(size=(1000, columns)), 6 + rng.normal(size=(30, columns))
    detector = quick().fit(usual)
    assert (detector.predict(rng.normal(size=(2000, columns))) < 0).mean() < 0.02
    assert (detector.predict(odd) < 0).mean() > 0.9
    together = quick().fit(np.vstack([usual, odd]))
    assert (together.predict(odd) < 0).mean() > 0.5
    assert (together.predict(rng.normal(size=(2000, columns))) < 0).mean() < 0.02


def test_auto_flags_a_far_cluster_and_few_clean_rows():
    rng = np.random.default_rng(0)
    clean, cluster = rng.normal(size=(600, 4)), 12 + 0.3 * rng.normal(size=(12, 4))
    detector = quick().fit(clean)
    assert (detector.predict(clean) < 0).mean() < 0.02
    assert (detector.predict(rng.normal(size=(600, 4))) < 0).mean() < 0.02
    assert (detector.predict(cluster) < 0).all()
    together = quick().fit_predict(np.vstack([clean, cluster]))
    assert (together[600:] < 0).all()
    assert (together[:600] < 0).mean() < 0.02


@pytest.fixture(scope="module")
def splits():
    """Detectors calibrated on 200 rows each, and 500 more rows of the same world for each."""
    fits = []
    for seed in range(12):
        X = plane(1500, seed)
        fits.append((quick(false_alarm_rate=0.01, random_state=seed).fit(X[:1000]), X[1000:]))
    return fits


@pytest.mark.parametrize("rate", RATES)
def test_false_alarms_are_as_many_as_said(splits, rate):
    seen = []
    for detector, new in splits:
        assert len(detector.scores_) == 200
        detector.set_threshold(false_alarm_rate=rate)
        seen.append((detector.predict(new) < 0).mean())
    expected = np.floor(rate * 201 + 1e-9) / 201
    error = np.sqrt(expected * (1 - expected) * (1 / 202 + 1 / 500) / len(splits))  # of calibration and of test
    assert abs(np.mean(seen) - expected) < 3 * error


def test_p_values_of_usual_rows_are_not_too_small(splits):
    p = np.stack([detector.p_values(new) for detector, new in splits])  # (splits, 500)
    assert p.min() >= 1 / 201
    assert p.max() <= 1
    for level in (0.01, 0.05, 0.1, 0.3, 0.7):
        error = np.sqrt(level * (1 - level) * (1 / 202 + 1 / 500) / len(splits))
        assert (p <= level).mean() <= level + 3 * error
        assert (p <= level).mean() >= level - 1 / 201 - 3 * error
    detector, new = splits[0]
    assert detector.p_values(100 * new).max() == 1 / 201
    for rate in RATES:
        flagged = detector.set_threshold(false_alarm_rate=rate).predict(new) < 0
        np.testing.assert_array_equal(flagged, p[0] <= rate)


def test_held_out_rows_are_neither_trained_on_nor_learned_from():
    X = np.array([[f"town {i:02}", float(i)] for i in range(20)], dtype=object)
    detector = quick(false_alarm_rate=0.3).fit(X)
    assert detector.schema_ is not None
    towns = detector.schema_.fields[0].categories
    assert (len(detector.scores_), len(detector.density_.placed.code), len(towns)) == (4, 16, 16)
    assert len(quick().fit(X).scores_) == 20


def test_too_few_rows_to_hold_some_out():
    with pytest.raises(DataError, match=r"at least 10 samples with a false_alarm_rate.*got 9"):
        quick(false_alarm_rate=0.2).fit(plane(9))
    with pytest.raises(DataError, match=r"false_alarm_rate of 0.01 needs 99 .* there are 20"):
        quick(false_alarm_rate=0.01).fit(plane(100))
    with pytest.warns(DiaboloWarning, match="extrapolated"):
        detector = quick(false_alarm_rate=0.005).fit(plane(500))
    assert detector.offset_ < -detector.scores_[-10]
    assert (detector.predict(plane(500, seed=1)) < 0).mean() < 0.05


def test_auto_is_never_far_beyond_all_scores():
    scores = np.concatenate([np.full(150, 1e-8), np.full(100, 1.0), np.linspace(1, 9, 50)])
    assert (scores > Threshold().of(scores)).sum() == 1
    assert Threshold().of(np.logspace(-8, 300, 400)) < np.inf


def test_what_stands_out_of_a_series_that_repeats_itself_is_flagged():
    hours = np.arange(24 * 60)
    usual = (20 + 60 * (hours % 24 > 8) + np.random.default_rng(0).uniform(0, 1e-3, len(hours)))[:, None]
    detector = diabolo.Detector(window=24, training=diabolo.Training(steps=100), random_state=0).fit(usual)
    broken = usual.copy()
    broken[700:730] = 300
    assert (detector.predict(broken)[700:730] == -1).all()
    assert (detector.predict(usual) == -1).mean() < 0.02
