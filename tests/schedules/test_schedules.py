"""Schedules: where they start, where they end, and what lies between."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diabolo.errors import ParameterError
from diabolo.schedules import Cycle, WarmUp
from diabolo.text import revise_from_text
from diabolo.training import Plan, Training

SHARES = st.floats(0.01, 1)
NUMBERS = st.floats(-1e6, 1e6)
SCHEDULES = st.builds(WarmUp, start=NUMBERS, share=SHARES) | st.builds(
    Cycle, start=NUMBERS, cycles=st.integers(1, 20), share=SHARES
)


@given(SCHEDULES, NUMBERS, st.floats(0, 1))
def test_every_value_lies_between_start_and_end(schedule, end, progress):
    value = schedule.value(progress, end)
    slack = 1e-9 * (abs(schedule.start) + abs(end))
    assert min(schedule.start, end) - slack <= value <= max(schedule.start, end) + slack


@given(SCHEDULES, NUMBERS, st.floats(0, 1))
def test_from_the_settled_share_on_it_is_the_end_itself(schedule, end, more):
    assert schedule.value(0.0, end) == schedule.start
    assert schedule.value(1.0, end) == end
    assert schedule.value(schedule.settled + more * (1 - schedule.settled), end) == end


@given(SCHEDULES)
def test_before_the_settled_share_it_still_moves(schedule):
    rise = schedule.share / getattr(schedule, "cycles", 1)
    assert schedule.value(schedule.settled - 0.01 * rise, schedule.start + 1.0) != schedule.start + 1.0


def test_a_warm_up_is_a_straight_line():
    values = [WarmUp(start=1.0, share=0.4).value(i / 10, 3.0) for i in range(11)]
    assert values == pytest.approx([1, 1.5, 2, 2.5, 3, 3, 3, 3, 3, 3, 3])


@pytest.mark.parametrize("cycles", [1, 2, 3, 7])
def test_a_cycle_begins_as_often_as_said(cycles):
    values = [Cycle(cycles=cycles, share=0.5).value(i / (cycles * 12), 1.0) for i in range(cycles * 12 + 1)]
    assert [i for i, value in enumerate(values) if value == 0.0] == list(range(0, cycles * 12, 12))
    assert values[:12] == pytest.approx([0, 1 / 6, 1 / 3, 1 / 2, 2 / 3, 5 / 6, 1, 1, 1, 1, 1, 1])
    assert values[-1] == 1.0


def test_one_cycle_is_a_warm_up():
    one, other = Cycle(start=0.3, cycles=1, share=0.7), WarmUp(start=0.3, share=0.7)
    assert [one.value(i / 50, 2.0) for i in range(51)] == [other.value(i / 50, 2.0) for i in range(51)]
    assert one.settled == other.settled


@pytest.mark.parametrize("epochs", [1, 2, 3, 4, 10, 17])
@pytest.mark.parametrize("schedule", [WarmUp(), WarmUp(share=1.0), Cycle(), Cycle(cycles=50, share=1.0)], ids=repr)
def test_the_last_epoch_of_any_run_has_the_value_of_the_recipe(epochs, schedule):
    training = Training(epochs=epochs, schedules=(schedule,))
    plan = Plan.of(training, 640)
    values = [schedule.value(plan.progress(epoch), 5.0) for epoch in range(epochs)]
    assert values[-1] == 5.0
    assert epochs == 1 or values[0] == 0.0
    settled = plan.settled(training)
    assert values[settled:] == [5.0] * (epochs - settled)


@given(SCHEDULES, st.integers(2, 500), st.data())
def test_a_plan_that_is_cut_never_goes_back(schedule, epochs, data):
    training = Training(epochs=epochs, schedules=(schedule,))
    plan = Plan.of(training, 640)
    epoch = data.draw(st.integers(1, epochs - 1))
    cut = plan.cut(training, epoch)
    shares = [plan.progress(i) for i in range(epoch)] + [cut.progress(i) for i in range(epoch, cut.epochs)]
    assert shares == sorted(shares)
    if cut.epochs > epoch:
        assert shares[-1] == 1.0


@pytest.mark.parametrize(
    "path", ["", "no such", "latent..beta", ".latent", "latent.", "β", "a;b", "latent__beta\n", 3, None]
)
def test_what_is_no_path_is_refused(path):
    with pytest.raises(ParameterError, match="'path' of WarmUp must be the path of a number in the recipe, such as"):
        WarmUp(path).check()


@pytest.mark.parametrize("share", [0, -0.5, 1.5, float("nan"), "half", True])
def test_a_share_is_in_0_1(share):
    for schedule in (WarmUp(share=share), Cycle(share=share)):
        with pytest.raises(ParameterError, match=r"Parameter 'share' of \w+ must be a number in \(0, 1\]; got"):
            schedule.check()


def test_schedules_are_read_from_text_as_on_a_command_line():
    training = revise_from_text(Training(), "schedules", "(WarmUp(share=0.2), Cycle('penalties.0.weight', cycles=2))")
    assert training.schedules == (WarmUp(share=0.2), Cycle("penalties.0.weight", cycles=2))
    with pytest.raises(
        ParameterError, match=r"'schedules' of Training must be a tuple .* one of the schedules \(Cycle"
    ):
        revise_from_text(Training(), "schedules", "WarmUp()")
    with pytest.raises(ParameterError, match=r"among the schedules 'Warmup'.*Did you mean 'WarmUp'"):
        revise_from_text(Training(), "schedules", "(Warmup(),)")


def test_a_knob_of_a_schedule_is_reached_by_its_path():
    training = Training(schedules=(WarmUp(), Cycle()))
    assert training.revise(schedules__1__cycles=2).schedules == (WarmUp(), Cycle(cycles=2))
    assert training.get_params()["schedules__0__share"] == 0.5
