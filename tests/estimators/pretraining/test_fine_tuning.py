"""Fine-tuning: every knob moves what it names; labels of all kinds; what unlabelled samples do."""

from datetime import date
from typing import Any, cast

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.datasets import make_moons
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss, r2_score, recall_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from tests.worlds import digit_images, digit_labels, digits, iris

import diabolo
from diabolo import Pretrainer, Recipe, Training
from diabolo.corruptions import Chain, GaussianNoise
from diabolo.corruptions.affine import Affine
from diabolo.errors import DataError, ParameterError
from diabolo.estimators import Classifier, Regressor, Tuning
from diabolo.estimators.pretraining.calibration import temperature
from diabolo.estimators.pretraining.consistencies import Generative, MeanTeacher, PseudoLabels
from diabolo.nets import MLP

QUICK = Training(steps=30)
SHORT = Tuning(steps=80)
ALONE = PseudoLabels(weight=0.0)


@pytest.fixture(scope="module")
def pretrainer():
    return Pretrainer(16, training=Training(steps=150), random_state=0).fit(digits())


def weights(job):
    return [p.detach().clone() for p in job.encoder_.parameters()]


def few(count=200, seed=0):
    """The labels of some digits; -1 for all others."""
    y = digit_labels().copy()
    y[np.random.default_rng(seed).permutation(len(y))[count:]] = -1
    return y


def test_with_a_rate_of_0_the_encoder_stays_bit_for_bit(pretrainer):
    before = weights(pretrainer)
    still = pretrainer.fine_tune(digits(), few(), tuning=SHORT(rate=0.0))
    moved = pretrainer.fine_tune(digits(), few(), tuning=SHORT)
    assert all(torch.equal(a, b) for a, b in zip(before, weights(still), strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(before, weights(moved), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(before, weights(pretrainer), strict=True))  # itself is not touched
    assert still.score(digits(), digit_labels()) > 0.6


def test_frozen_throughout_only_the_head_learns(pretrainer):
    frozen = pretrainer.fine_tune(digits(), few(), tuning=SHORT(frozen=1.0))
    assert all(torch.equal(a, b) for a, b in zip(weights(pretrainer), weights(frozen), strict=True))
    assert frozen.head_.map.weight.detach().abs().max() > 0.01
    assert frozen.score(digits(), digit_labels()) > 0.6


def test_lower_layers_move_less_where_rates_fall(pretrainer):
    def moved(decay):
        tuned = pretrainer.fine_tune(digits(), few(), tuning=SHORT(layer_decay=decay, consistency=ALONE))
        after = zip(pretrainer.model_.encoder.steps, tuned.model_.encoder.steps, strict=True)
        first, *_, last = [_distance(a, b) for a, b in after]
        return first / last

    assert moved(0.1) < 0.3 * moved(1.0)


def _distance(a, b):
    pairs = zip(a.parameters(), b.parameters(), strict=True)
    return float(sum((p - q).detach().square().sum() for p, q in pairs)) ** 0.5


def test_class_weights_move_recall():
    rng = np.random.default_rng(0)
    y = (rng.random(600) < 0.1).astype(int)
    X = rng.normal(size=(600, 4)) + 0.8 * y[:, None]
    pretrained = Pretrainer(training=QUICK, random_state=0).fit(X)
    plain, even = (
        recall_score(y, pretrained.fine_tune(X, y, tuning=SHORT, class_weight=weight).predict(X))
        for weight in (None, "balanced")
    )
    assert even > plain + 0.2
    never = pretrained.fine_tune(X, y, tuning=SHORT, class_weight={0: 1.0, 1: 0.0})
    assert recall_score(y, never.predict(X)) == 0


def test_a_temperature_makes_held_out_labels_more_probable():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 30))
    y = (X[:, 0] + rng.normal(size=600) > 0).astype(int)
    tuning = Tuning(steps=400, frozen=0.0, patience=10**6)
    classifier = Classifier(training=QUICK, tuning=tuning, random_state=0).fit(X[:500], y[:500])
    assert classifier.temperature_ != 1
    raw = torch.tensor(classifier._told(X[500:])).softmax(1).numpy()
    assert log_loss(y[500:], classifier.predict_proba(X[500:])) < log_loss(y[500:], raw)
    np.testing.assert_allclose(
        np.exp(classifier.predict_log_proba(X)), classifier.predict_proba(X), rtol=1e-6, atol=1e-12
    )


def test_the_temperature_is_the_best_one():
    generator = torch.Generator().manual_seed(0)
    outputs = torch.randn(500, 3, generator=generator)
    labels = torch.multinomial((outputs / 2.5).softmax(1), 1, generator=generator)[:, 0]
    best = temperature(outputs, labels)
    cost = [float(torch.nn.functional.cross_entropy(outputs / t, labels)) for t in (best, 0.95 * best, 1.05 * best)]
    assert min(cost) == cost[0]
    assert 1.5 < best < 4


def moons():
    X, y = make_moons(500, noise=0.1, random_state=0)
    known = np.full(500, -1)
    for label in (0, 1):
        known[np.flatnonzero(y == label)[:4]] = label
    return X, y, known


@pytest.mark.parametrize("consistency", [PseudoLabels(threshold=0.8), MeanTeacher(weight=10.0)], ids=["sure", "mean"])
def test_unlabelled_samples_help_on_two_moons(consistency):
    X, y, known = moons()
    noise = consistency(strong=GaussianNoise(0.3), ratio=7)
    tuning = Tuning(steps=400, batch_size=16, weak=GaussianNoise(0.1), learning_rate=1e-2, frozen=0.0)
    recipe = Recipe(MLP((64, 64)))
    scores = {}
    for name, part in (("alone", ALONE), ("more", noise)):
        classifier = Classifier(recipe=recipe, training=QUICK, tuning=tuning(consistency=part), random_state=0)
        scores[name] = classifier.fit(X, known).score(X, y)
    assert scores["more"] > scores["alone"] + 0.03


def test_unlabelled_samples_help_with_digits_whichever_way_they_are_given(pretrainer):
    y = few(60)
    known = y >= 0
    alone = pretrainer.fine_tune(digits()[known], y[known], tuning=Tuning(steps=200))
    beside = pretrainer.fine_tune(digits()[known], y[known], unlabelled=digits()[~known], tuning=Tuning(steps=200))
    within = pretrainer.fine_tune(digits(), y, tuning=Tuning(steps=200))
    scores = [c.score(digits()[~known], digit_labels()[~known]) for c in (alone, beside, within)]
    assert min(scores[1:]) > scores[0] + 0.01
    assert "consistency" in within.tuning_history_.columns
    assert "consistency" not in alone.tuning_history_.columns


def test_the_generative_model_explains_features_by_a_class():
    X, y, known = moons()
    X = np.column_stack([5.0 * np.asarray(y) + np.random.default_rng(0).normal(size=500), X])
    tuning = Tuning(steps=200, consistency=Generative(code=2, hidden=32))
    classifier = Classifier(4, recipe="vae", training=QUICK, tuning=tuning, random_state=0).fit(X, known)
    assert classifier.score(X, y) > 0.95
    costs = classifier.tuning_history_.columns["consistency"]
    assert costs[-1] < costs[0] - 0.1
    with pytest.raises(ParameterError, match="Generative needs classes; use MeanTeacher"):
        Regressor(training=QUICK, tuning=tuning).fit(X, np.where(known < 0, np.nan, known))


def test_unlabelled_samples_of_a_regressor():
    X = np.random.default_rng(0).normal(size=(400, 3))
    y = np.tanh(X[:, 0]) - X[:, 1]
    known = np.where(np.arange(400) % 10, np.nan, y)
    regressor = Regressor(training=QUICK, tuning=Tuning(steps=300), random_state=0).fit(X, known)
    assert regressor.score(X, y) > 0.7
    assert "consistency" in regressor.tuning_history_.columns
    both = np.column_stack([y, 2 * y + 5])
    double = Regressor(training=QUICK, tuning=Tuning(steps=300), random_state=0).fit(X, both)
    assert double.predict(X).shape == (400, 2)
    assert double.score(X, both) > 0.9


def test_small_shifts_of_images_make_a_classifier_bear_them():
    X, y = digit_images().astype(np.float32), digit_labels()
    pretrained = Pretrainer(layer=-1, pooling="all", training=QUICK, random_state=0).fit(X)
    moved = np.roll(X, 1, 3)
    still, shifted = (
        pretrained.fine_tune(X, y, tuning=Tuning(steps=250, weak=weak)).score(moved, y)
        for weak in (Chain(()), Affine(0.15))
    )
    assert shifted > still + 0.1


@pytest.mark.parametrize(
    "y",
    [
        np.array(["cat", "dog", "emu"])[np.arange(150) // 50],
        np.array(["cat", "dog", "emu"], dtype=object)[np.arange(150) // 50],
        np.arange(150) // 50 - 1.0,
        (np.arange(150) // 50 > 0),
        np.where(np.arange(150) > 70, 1, -1),
    ],
    ids=["text", "objects", "floats", "booleans", "signs"],
)
def test_classes_come_back_as_they_were(y, tmp_path):
    classifier = Classifier(training=QUICK, tuning=SHORT(steps=150), random_state=0).fit(iris(), y)
    signs = y.dtype.kind == "f"  # -1 among two others is no class
    assert classifier.classes_.tolist() == sorted(set(y.tolist()) - ({-1.0} if signs else set()))
    predicted = classifier.predict(iris())
    assert set(predicted.tolist()) <= set(y.tolist())
    assert signs or classifier.score(iris(), y) > 0.8
    classifier.save(tmp_path / "model")
    loaded = diabolo.load(tmp_path / "model")
    assert loaded.predict(iris()).tolist() == predicted.tolist()
    assert np.array_equal(loaded.predict_proba(iris()), classifier.predict_proba(iris()))


def test_the_task_is_told_by_y_or_said(pretrainer):
    y = digit_labels()
    assert isinstance(pretrainer.fine_tune(digits(), y, tuning=Tuning(steps=2)), Classifier)
    assert isinstance(pretrainer.fine_tune(digits(), y + 0.5, tuning=Tuning(steps=2)), Regressor)
    regressor = pretrainer.fine_tune(digits(), y, task="regression", tuning=Tuning(steps=2))
    assert isinstance(regressor, Regressor)
    assert (regressor.n_components, regressor.random_state) == (16, 0)
    with pytest.raises(ParameterError, match="'task' of fine_tune must be 'auto' or"):
        pretrainer.fine_tune(digits(), y, task="ranking")


def test_many_whole_numbers_are_classes_with_a_warning(pretrainer):
    y = np.arange(1797) // 9.0
    with pytest.warns(UserWarning, match="200 different whole numbers in 1797 labels.*say task='regression'"):
        made = pretrainer.fine_tune(digits(), y, tuning=Tuning(steps=1))
    assert len(made.classes_) == 200
    for told in ({"y": y, "task": "classification"}, {"y": y.astype(int)}, {"y": y // 10}):  # no word of these
        pretrainer.fine_tune(digits(), tuning=Tuning(steps=1), **told)


def test_a_score_is_of_samples_with_a_label(pretrainer):
    X, y = digits(), digit_labels()
    classifier = pretrainer.fine_tune(X, y, tuning=SHORT)
    right = classifier.predict(X) == y
    assert classifier.score(X, np.where(right, y, -1)) == 1.0
    assert classifier.score(X, np.where(right, np.nan, y)) == 0.0
    assert classifier.score(X, np.where(right, y, 77)) == pytest.approx(right.mean())  # unknown ones are missed
    assert classifier.score(X, y, sample_weight=right + 0.0) == 1.0
    regressor = pretrainer.fine_tune(X, y + 0.5, tuning=SHORT)
    known = np.arange(len(y)) % 2 == 0
    half = regressor.score(X, np.where(known, y, np.nan))
    assert half == pytest.approx(r2_score(y[known], regressor.predict(X[known])))
    with pytest.raises(DataError, match=r"must hold the classes 0, 1, .*; got 77"):
        classifier.score(X, np.full(len(y), 77))
    for job in (classifier, regressor):
        with pytest.raises(DataError, match="a label to judge by; got none in 1797 samples"):
            job.score(X, np.full(len(y), np.nan))
        with pytest.raises(DataError, match=r"sample_weight must be \(1797,\), as y; got shape \(3,\)"):
            job.score(X, y, sample_weight=[1, 2, 3])
        with pytest.raises(DataError, match="sample_weight must hold numbers >= 0, not all 0"):
            job.score(X, y, sample_weight=np.zeros(len(y)))
    with pytest.raises(DataError, match="y must hold numbers; got"):
        regressor.score(X, y.astype(str) + "th")


def test_what_cannot_be_learned_says_so(pretrainer):
    X, y = digits(), digit_labels()
    with pytest.raises(DataError, match="one value for each of 1797 samples"):
        pretrainer.fine_tune(X, y[:9])
    with pytest.raises(DataError, match="at least 2 classes to tell apart; got 1 class"):
        pretrainer.fine_tune(X, np.full(1797, 3))
    with pytest.raises(DataError, match="Unknown label type"):
        pretrainer.fine_tune(X, y + 0.5, task="classification")
    with pytest.raises(DataError, match=r"one class for each sample, \(N,\); got shape \(1797, 2\).*task='regression'"):
        pretrainer.fine_tune(X, np.stack([y, y], 1))
    with pytest.raises(DataError, match=r"classes of one kind, .*; got 'date': write each class as text"):
        pretrainer.fine_tune(X, [date(2020, 1, 1 + label) for label in y])
    with pytest.raises(ParameterError, match="'class_weight' of fine_tune must be None where y holds quantities"):
        pretrainer.fine_tune(X, y + 0.5, class_weight="balanced")
    with pytest.raises(DataError, match="requires y to be passed"):
        Classifier().fit(X)
    with pytest.raises(ParameterError, match="'class_weight' must be None, 'balanced' or a dict"):
        pretrainer.fine_tune(X, y, class_weight="even")
    with pytest.raises(ParameterError, match="'tuning' of Classifier must be a Tuning; got 'long'"):
        pretrainer.fine_tune(X, y, tuning="long")
    with pytest.raises(ParameterError, match="'rate' of Tuning must be a number >= 0; got -1"):
        pretrainer.fine_tune(X, y, tuning=Tuning(rate=-1))
    with pytest.raises(ParameterError, match="'corruption' may be Affine only for series"):
        pretrainer.fine_tune(X, y, tuning=Tuning(weak=Affine()))
    with pytest.raises(DataError, match=r"64 features|samples of shape"):
        pretrainer.fine_tune(iris(), np.arange(150) // 50)


def test_the_same_seed_gives_the_same_again_and_the_users_random_state_is_left_alone(pretrainer):
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    one, two = (pretrainer.fine_tune(digits(), few(), tuning=SHORT).predict_proba(digits()) for _ in range(2))
    assert np.array_equal(one, two)
    assert torch.equal(torch.rand(1), expected)


def test_a_fit_that_was_killed_goes_on(tmp_path):
    class Killed(diabolo.training.Callback):
        def on_epoch(self, run):
            if "consistency" in run.history.columns and run.epoch == 2:
                raise RuntimeError("killed")

    y = few()
    make = lambda: Classifier(8, training=QUICK, tuning=Tuning(steps=120), random_state=0)  # noqa: E731
    whole = make().fit(digits(), y).predict_proba(digits())
    with pytest.raises(RuntimeError, match="killed"):
        make().fit(digits(), y, callbacks=[Killed()], checkpoint=tmp_path / "run")
    resumed = make().fit(digits(), y, checkpoint=tmp_path / "run")
    assert np.array_equal(resumed.predict_proba(digits()), whole)


def test_mixed_tables_with_missing_cells_and_labels():
    pd = pytest.importorskip("pandas")
    rng = np.random.default_rng(0)
    town = np.array(["Oslo", "Rome"], dtype=object)[rng.integers(0, 2, 300)]
    size = rng.normal(size=300)
    y = np.where((town == "Oslo") & (size > 0), "yes", "no").astype(object)
    frame = pd.DataFrame({"town": town, "size": size}).mask(rng.random((300, 2)) < 0.05)
    known = y.copy()
    known[::2] = None
    classifier = Classifier(training=QUICK, tuning=Tuning(steps=200), random_state=0).fit(frame, pd.Series(known))
    assert classifier.score(frame, y) > 0.9
    assert classifier.classes_.tolist() == ["no", "yes"]


def test_in_pipelines_column_transformers_and_searches():
    pd = pytest.importorskip("pandas")
    X, y = iris(), np.arange(150) // 50
    columns = ColumnTransformer(
        [("features", Pretrainer(3, training=QUICK, random_state=0), ["a", "b", "c"])], remainder="passthrough"
    )
    pipeline = make_pipeline(columns, LogisticRegression(max_iter=1000))
    frame = pd.DataFrame(X, columns=list("abcd"))
    assert pipeline.fit(frame, y).score(frame, y) > 0.8
    names = [f"features__pretrainer{i}" for i in range(3)]
    assert columns.fit(frame).get_feature_names_out().tolist() == [*names, "remainder__d"]
    grid = {"tuning__rate": [0.0, 1.0], "recipe__corruption": [None, GaussianNoise(0.1)]}
    search = GridSearchCV(
        Classifier(training=QUICK, tuning=SHORT, random_state=0), grid, cv=2, error_score=cast(Any, "raise")
    ).fit(X, y)
    assert len(search.cv_results_["params"]) == 4
    other = cast(Classifier, clone(Classifier(tuning=SHORT)))
    assert other.set_params(tuning__steps=3).tuning == Tuning(steps=3)


def test_held_out_labels_are_as_many_of_each_class_and_stop_the_training(pretrainer):
    classifier = pretrainer.fine_tune(digits(), digit_labels(), tuning=Tuning(steps=60))
    assert "held_out" in classifier.tuning_history_.columns
    assert "held_out" not in pretrainer.fine_tune(digits(), few(), tuning=SHORT).tuning_history_.columns


def test_the_report_shows_both_trainings(pretrainer):
    pytest.importorskip("matplotlib")
    classifier = pretrainer.fine_tune(digits(), few(), tuning=SHORT)
    page = classifier.report(digits(), digit_labels()).html()
    assert "Pretraining" in page
    assert "Fine-tuning" in page


def test_none_and_nan_among_texts_and_quantities_are_samples_without_a_label():
    X = np.random.default_rng(0).normal(size=(60, 3))
    texts = ["a", np.nan, "b"] * 20
    classifier = Classifier(training=Training(epochs=2), random_state=0).fit(X, texts)
    assert classifier.classes_.tolist() == ["a", "b"]
    pretrainer = Pretrainer(training=Training(epochs=2), random_state=0).fit(X)
    quantities = [None if i % 3 == 1 else x + 0.25 for i, x in enumerate(X[:, 0])]
    assert isinstance(pretrainer.fine_tune(X, quantities), Regressor)


def test_quantities_whose_squares_are_infinite_are_refused():
    X = np.random.default_rng(0).normal(size=(60, 3))
    with pytest.raises(DataError, match="y must hold numbers whose squares are finite"):
        Regressor(training=Training(epochs=2), random_state=0).fit(X, X[:, 0] * 1e200)
