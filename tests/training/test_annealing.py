"""Schedules in training: they move what they name, and leave nothing behind."""

import copy
from typing import Any

import pytest
import torch

from diabolo import Reducer, load
from diabolo.corruptions import GaussianNoise
from diabolo.errors import CapabilityError, DiaboloWarning, ParameterError, TrainingError
from diabolo.latents import Gaussian, TopK
from diabolo.likelihoods import SquaredError
from diabolo.members import Members
from diabolo.model import Recipe
from diabolo.nets import MLP
from diabolo.penalties import MMD
from diabolo.pretrainings import Layerwise
from diabolo.schedules import Cycle, WarmUp
from diabolo.training import Callback, Rows, Training, train, train_in_stages
from diabolo.training.annealing import annealed
from diabolo.training.loop import evaluate

VAE = Recipe(MLP(hidden=(16,)), latent=Gaussian(beta=2.0), likelihood=SquaredError(0.5))


def world(count=200, seed=0):
    t = torch.rand(count, 1, generator=torch.Generator().manual_seed(seed)) * 4 - 2
    return torch.cat([t.sin(), t.cos(), t, t.square() / 2], 1)


def rows(x):
    return Rows(x, lambda batch: batch)


def build(recipe: Recipe = VAE) -> Any:
    torch.manual_seed(0)
    return recipe.build((4,), 2)


def weights(model):
    return [value.clone() for value in model.state_dict().values()]


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


class Watch(Callback):
    """Keep what a model is after each epoch."""

    def __init__(self):
        self.kl, self.weights, self.recipes, self.held = [], [], [], []

    def on_epoch(self, run: Any):
        with torch.no_grad():
            self.kl.append(run.model.encode(world()).info["kl"].sum(1).mean().item())
        self.weights.append(weights(run.model))
        self.recipes.append(run.model.recipe)
        self.held.append(float(evaluate(run.model, rows(world(50, 1)), run.plan.batch_size, 0)))


def watched(training, recipe=VAE, held_out=True, model=None):
    watch, model = Watch(), model or build(recipe)
    history = train(model, rows(world()), rows(world(50, 1)) if held_out else None, training, callbacks=[watch])
    return watch, history, model


def test_a_warm_up_starts_with_a_code_that_costs_nothing_and_ends_with_one_that_does():
    training = Training(epochs=60, patience=60, schedules=(WarmUp(),))
    (warm, history, _), (plain, _, _) = watched(training), watched(training(schedules=()))
    betas = history.columns["latent__beta"]
    assert betas[0] == 0.0
    assert betas[30:] == [2.0] * 30
    assert betas[:31] == sorted(betas[:31])
    assert max(warm.kl[5:15]) > 2 * max(plain.kl[5:15])  # while nothing is asked for it, the code tells more
    assert max(warm.kl[5:15]) > 2 * warm.kl[-1]
    assert warm.kl[-1] == pytest.approx(plain.kl[-1], rel=0.2)  # and in the end as much as it should


def test_a_cycle_lets_the_code_tell_more_again_and_again():
    watch, history, _ = watched(Training(epochs=121, patience=121, decay=0.0, schedules=(Cycle(cycles=3),)))
    betas = history.columns["latent__beta"]
    assert [epoch for epoch, beta in enumerate(betas) if beta == 0.0] == [0, 40, 80]
    for begin in (40, 80):
        assert max(watch.kl[begin : begin + 20]) > 1.5 * watch.kl[begin - 1]  # dear before, free now
        assert max(watch.kl[begin : begin + 20]) > 1.5 * watch.kl[begin + 39]


def test_any_number_of_the_recipe_can_be_annealed():
    recipe = VAE(latent__capacity=3.0, corruption=GaussianNoise(0.3), penalties=(MMD(2.0),))
    schedules = (WarmUp("corruption__sigma", 1.0), Cycle("penalties.0.weight", cycles=2), WarmUp("latent.capacity"))
    _, history, model = watched(Training(epochs=5, schedules=schedules), recipe)
    assert history.columns["corruption__sigma"] == pytest.approx([1.0, 0.65, 0.3, 0.3, 0.3])
    assert history.columns["penalties__0__weight"] == [0.0, 2.0, 0.0, 2.0, 2.0]
    assert history.columns["latent__capacity"] == [0.0, 1.5, 3.0, 3.0, 3.0]
    assert history.columns["mmd"][0] == 0.0 != history.columns["mmd"][1]
    assert model.recipe == recipe


def test_a_schedule_does_what_revising_by_hand_does():
    class ByHand(Callback):
        def __init__(self):
            self.snapshots = []

        def on_start(self, run: Any):
            run.model.revise("latent__beta", 0.5)

        def on_epoch(self, run: Any):
            self.snapshots.append(weights(run.model))
            run.model.revise("latent__beta", min(0.5 + run.epoch * 0.75, 2.0))

    hand, training = ByHand(), Training(epochs=5)
    train(build(), rows(world()), None, training, callbacks=[hand])
    watch, history, _ = watched(training(schedules=(WarmUp(start=0.5),)), held_out=False)
    assert history.columns["latent__beta"] == [0.5, 1.25, 2.0, 2.0, 2.0]
    assert all(same(a, b) for a, b in zip(hand.snapshots, watch.weights, strict=True))


def test_a_schedule_that_stands_still_changes_not_a_bit():
    (still, _, _), (plain, history, _) = (
        watched(Training(epochs=4, schedules=schedules)) for schedules in ((WarmUp(start=2.0),), ())
    )
    assert all(same(a, b) for a, b in zip(still.weights, plain.weights, strict=True))
    assert "latent__beta" not in history.columns


def test_epochs_are_judged_by_the_recipe_itself():
    watch, history, model = watched(Training(epochs=12, schedules=(WarmUp(),)))
    assert history.columns["held_out"] == watch.held
    assert set(map(repr, watch.recipes)) == {repr(VAE.settle((4,)))}
    assert history.best_epoch == 1 + watch.held.index(min(watch.held))
    assert same(weights(model), watch.weights[history.best_epoch - 1])


@pytest.mark.parametrize("schedule", [WarmUp(), WarmUp(share=1.0), Cycle(cycles=3)], ids=repr)
def test_without_held_out_samples_only_epochs_at_the_recipes_values_are_judged(schedule):
    watch, history, model = watched(Training(epochs=12, schedules=(schedule,)), held_out=False)
    beta, loss = history.columns["latent__beta"], history.columns["loss"]
    best = min((x, i) for i, (x, b) in enumerate(zip(loss, beta, strict=True)) if b == 2.0)[1]
    assert history.best_epoch == best + 1
    assert same(weights(model), watch.weights[best])


def test_a_loss_at_a_lower_cost_is_no_progress():
    _, history, _ = watched(Training(epochs=12, schedules=(Cycle(cycles=3),)), held_out=False)
    assert history.columns["latent__beta"][8] < 1.0
    assert min(history.columns["loss"]) == history.columns["loss"][8]
    assert history.best_epoch == 12


def test_a_run_of_one_epoch_has_the_values_of_the_recipe():
    _, history, _ = watched(Training(epochs=1, schedules=(WarmUp(),)))
    assert history.columns["latent__beta"] == [2.0]


def test_patience_waits_for_the_schedule_and_the_end_of_a_run_never_goes_back():
    noise = [torch.randn(64, 4, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1)]
    ended = {}
    for schedules in ((), (WarmUp(share=0.3),)):
        training = Training(epochs=201, patience=5, learning_rate=0.02, schedules=schedules)
        ended[schedules] = train(build(), rows(noise[0]), rows(noise[1]), training)
    plain, warm = ended.values()
    assert plain.stopped == warm.stopped == "no progress"
    assert len(plain) < 60
    assert 60 + 5 <= len(warm) < 160
    beta = warm.columns["latent__beta"]
    assert beta[:61] == pytest.approx([2.0 * epoch / 60 for epoch in range(61)])
    assert beta[61:] == [2.0] * (len(warm) - 61)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("when", [1, 5, 9])
def test_the_recipe_is_as_before_however_the_run_ends(error, when):
    class Break(Callback):
        steps = 0

        def on_start(self, run: Any):
            found = run.gradient

            def counted(batch):
                Break.steps += 1
                if Break.steps == when:
                    assert run.model.recipe.latent.beta < 2.0
                    raise error
                return found(batch)

            run.gradient = counted

    model = build()
    recipe = model.recipe
    training = Training(epochs=10, batch_size=100, schedules=(WarmUp(share=1.0),))
    with (
        pytest.warns(DiaboloWarning, match="has no epoch to keep yet")
        if error is KeyboardInterrupt
        else (pytest.raises(RuntimeError))
    ):
        train(model, rows(world()), None, training, callbacks=[Break()])
    assert model.recipe == recipe
    assert model.latent.part == recipe.latent


def test_the_recipe_is_as_before_after_a_loss_that_is_not_finite():
    class Poison(Callback):
        def on_epoch(self, run: Any):
            with torch.no_grad():
                next(run.model.parameters()).fill_(float("nan"))

    model = build()
    with pytest.raises(TrainingError):
        train(model, rows(world()), None, Training(epochs=5, schedules=(WarmUp(),)), callbacks=[Poison()])
    assert model.recipe.latent.beta == 2.0


@pytest.mark.parametrize("held_out", [None, rows(world(50, 1))], ids=["alone", "held out"])
@pytest.mark.parametrize("epoch", [1, 4, 8])
def test_a_run_goes_on_at_the_right_value(tmp_path, epoch, held_out):
    class Interrupt(Callback):
        def on_epoch(self, run: Any):
            if run.epoch == epoch:
                raise KeyboardInterrupt

    training = Training(epochs=10, schedules=(Cycle(cycles=2),))
    whole, resumed = build(), build()
    expected = train(whole, rows(world()), held_out, training)
    with pytest.warns(DiaboloWarning, match="interrupted"):
        train(build(), rows(world()), held_out, training, callbacks=[Interrupt()], checkpoint=tmp_path / "run")
    history = train(resumed, rows(world()), held_out, training, checkpoint=tmp_path / "run")
    for name in ("latent__beta", "loss", *(["held_out"] if held_out else [])):
        assert history.columns[name] == expected.columns[name]
    assert history.best_epoch == expected.best_epoch
    assert same(weights(whole), weights(resumed))


@pytest.mark.parametrize(
    ("recipe", "schedules", "words"),
    [
        (
            VAE,
            (WarmUp("latent__bta"),),
            r"'path' of WarmUp must lead to .*unknown number 'latent__bta'.*'latent__beta'\?",
        ),
        (VAE, (Cycle("beta"),), "'path' of Cycle must lead to a number of the recipe that can change in training"),
        (VAE, (WarmUp("latent"),), "unknown number 'latent'; known: latent__beta"),
        (VAE, (WarmUp("latent__samples"),), "unknown number 'latent__samples'"),  # whole numbers only
        (VAE, (WarmUp("net__hidden"),), "unknown number 'net__hidden'"),
        (VAE, (WarmUp("penalties__0__weight"),), "unknown number"),
        (
            VAE,
            (WarmUp(start=-1.0),),
            r"WarmUp\(start=-1.0\) starts where it may not: Parameter 'beta' of Gaussian must",
        ),
        (VAE, (WarmUp(), Cycle("latent.beta")), "at most one for each number; got 2 for 'latent__beta': leave one"),
        (Recipe(MLP(), TopK(1)), (WarmUp("latent__k"),), "unknown number 'latent__k'"),
    ],
    ids=repr,
)
def test_a_schedule_that_leads_nowhere_is_refused_before_the_first_step(recipe, schedules, words):
    model = build(recipe)
    before = weights(model)
    with pytest.raises(ParameterError, match=words):
        train(model, rows(world()), None, Training(epochs=2, schedules=schedules))
    assert same(before, weights(model))


def test_several_models_at_once_have_no_schedule():
    members = Members([build(VAE(latent__beta=beta)) for beta in (1.0, 2.0)])
    with pytest.raises(CapabilityError, match=r"'schedules' of Training must be \(\) for Members; got \(WarmUp"):
        train(members, rows(world()), None, Training(epochs=2, schedules=(WarmUp(),)))


def test_stages_before_the_whole_are_not_scheduled():
    model = build(VAE(pretraining=Layerwise()))
    history = train_in_stages(model, rows(world()), None, Training(epochs=2, schedules=(WarmUp(),)))
    assert [stage.columns.get("latent__beta") for stage in history.stages] == [None] * len(history.stages) != []
    assert history.columns["latent__beta"] == [0.0, 2.0]


def test_what_is_set_for_a_while_is_put_back_even_after_an_error():
    model = build()
    before = copy.deepcopy(model.recipe)
    with pytest.raises(ZeroDivisionError), annealed(model, (WarmUp(), WarmUp("latent.free_bits", 1.0)), 0.25) as values:
        assert values == {"latent__beta": 1.0, "latent__free_bits": 0.5}
        assert (model.latent.part.beta, model.latent.part.free_bits) == (1.0, 0.5)
        raise ZeroDivisionError
    assert model.recipe == before
    assert model.latent.part == before.latent


def test_an_estimator_keeps_its_schedule(tmp_path):
    training = Training(epochs=4, schedules=(WarmUp(),))
    reducer = Reducer(2, recipe=VAE, training=training, random_state=0)
    with pytest.warns(DiaboloWarning, match="not better than PCA"):  # after four epochs
        reducer.set_params(training__schedules__0__start=0.5).fit(world().numpy())
    assert reducer.history_.columns["latent__beta"] == pytest.approx([0.5, 1.5, 2.0, 2.0])
    reducer.save(tmp_path / "model")
    found = load(tmp_path / "model")
    assert found.training == training.revise(schedules__0__start=0.5)
    assert found.recipe_.latent.beta == 2.0
    assert found.history_.columns["latent__beta"] == reducer.history_.columns["latent__beta"]
