"""What is usual, as a value: by itself it says what new samples compare with, and learning on makes another one."""

import numpy as np
import pytest
import torch
from tests.anomalies import plane, quick, turns

from diabolo import Training
from diabolo.errors import CapabilityError
from diabolo.estimators.detection.incremental import Pace, learn_on
from diabolo.estimators.detection.saving import recalled, saved

SHORT = Training(steps=20, validation=0.0)


def test_samples_that_no_model_has_seen_are_compared_with_if_there_are_any():
    few, held = (quick(training=SHORT, false_alarm_rate=rate).fit(plane(60))._usual for rate in (None, 0.2))
    assert few.unseen is few.out_of_fold
    assert held.unseen is held.scores


def test_windows_have_no_memory():
    usual = quick(training=SHORT, window=24).fit(turns(200))._usual
    assert usual.memory is None
    with pytest.raises(CapabilityError, match="window can neither learn on nor test for drift"):
        usual.demand_memory()


def test_learning_on_leaves_what_was_known_as_it_was():
    detector = quick(training=SHORT).fit(plane(60))
    fitted, usual = detector._fitted, detector._usual
    before = {name: value.clone() for name, value in fitted.model.state_dict().items()}
    scores = usual.scores.copy()
    batch, pace = detector._read(plane(40, seed=1)), Pace(SHORT, 100, seed=0)
    later, then = learn_on(fitted, usual, detector.schema_, batch, pace)
    assert all(torch.equal(value, before[name]) for name, value in fitted.model.state_dict().items())
    np.testing.assert_array_equal(usual.scores, scores)
    assert later.model is not fitted.model
    assert (later.scaling, later.history, later.pca) == (fitted.scaling, fitted.history, fitted.pca)
    assert then.memory is not None
    assert (then.memory.seen, len(then.scores), usual.drift) == (100, 100, None)
    again = learn_on(fitted, usual, detector.schema_, batch, pace)[1]
    np.testing.assert_array_equal(again.scores, then.scores)


@pytest.mark.parametrize("rate", [None, 0.2])
def test_what_is_saved_is_recalled(rate):
    detector = quick(training=SHORT, false_alarm_rate=rate).fit(plane(60))
    plain, arrays = saved(detector._reading, detector._usual, detector.threshold_)
    reading, usual = recalled(plain, arrays, detector._reading, (8,), 8, detector.model_.n)
    assert reading == detector._reading
    assert saved(reading, usual, detector.threshold_)[0] == plain
    assert all(
        torch.equal(value, arrays[name]) for name, value in saved(reading, usual, detector.threshold_)[1].items()
    )
