"""The one loop: it learns, stops, reproduces, resumes, and says what went wrong."""

import signal
import subprocess
import sys
import textwrap
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA
from torch import nn

from diabolo.errors import DiaboloWarning, FileError, ParameterError, TrainingError
from diabolo.latents import Gaussian
from diabolo.model import Recipe
from diabolo.nets import MLP, Linear
from diabolo.penalties import MMD
from diabolo.pretrainings import Layerwise
from diabolo.schedules import WarmUp
from diabolo.training import Callback, Plan, Rows, Training, resolve, split, train, train_in_stages
from diabolo.training.loop import evaluate

SMALL = Recipe(MLP(hidden=(16,)))


def world(count=200, seed=0):
    generator = torch.Generator().manual_seed(seed)
    t = torch.rand(count, 1, generator=generator) * 4 - 2
    return torch.cat([t.sin(), t.cos(), t, t.square() / 2], 1)


def rows(x, index=None):
    return Rows(x, lambda batch: batch, index)


def build(recipe=SMALL, seed=0, width=4):
    torch.manual_seed(seed)
    return recipe.build((width,), 2)


def weights(model: nn.Module):
    return [value.clone() for value in model.state_dict().values()]


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_learns():
    model = build()
    before = evaluate(model, rows(world(seed=1)), 64, 0)
    history = train(model, rows(world()), rows(world(seed=1)), Training(epochs=60))
    assert evaluate(model, rows(world(seed=1)), 64, 0) < 0.1 * before
    assert len(history) == 60
    assert set(history.columns) >= {"epoch", "seconds", "learning_rate", "loss", "distortion", "rate", "held_out"}
    assert history.columns["loss"][-1] < history.columns["loss"][0]


def test_judging_leaves_the_global_random_state_alone():
    model, before = build(Recipe(latent=Gaussian())), torch.get_rng_state()
    assert evaluate(model, rows(world()), 64, 3) == evaluate(model, rows(world()), 64, 3)
    assert torch.equal(torch.get_rng_state(), before)


def test_a_linear_net_finds_the_subspace_of_pca_by_gradients():
    x = torch.randn(500, 6, generator=torch.Generator().manual_seed(0)) * torch.tensor([2.0, 1.5, 0.7, 0.5, 0.3, 0.1])
    x = x @ torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(1)))[0]
    model = build(Recipe(Linear()), width=6)
    train(model, rows(x), None, Training(epochs=160, learning_rate=1e-3))
    pca: Any = PCA(2).fit(x.numpy())
    found = model.get_parameter("decoder.map.weight").detach().numpy()
    assert np.degrees(subspace_angles(found, pca.components_.T).max()) < 1
    error = (model.reconstruct(x) - x).square().sum().item()
    assert error < 1.001 * np.square(pca.inverse_transform(pca.transform(x.numpy())) - x.numpy()).sum()


def test_keeps_the_best_weights_as_a_copy():
    model = build()
    snapshots = {}

    class Snap(Callback):
        def on_epoch(self, run):
            snapshots[run.epoch] = weights(run.model)

    history = train(
        model,
        rows(world(12) + torch.randn(12, 4)),
        rows(world(30, seed=1)),
        Training(epochs=300, patience=300, learning_rate=0.01),
        callbacks=[Snap()],
    )
    held = history.columns["held_out"]
    assert history.best_epoch == 1 + held.index(min(held))
    assert history.best_epoch < 300
    assert same(weights(model), snapshots[history.best_epoch])


def test_stops_without_progress():
    noise = torch.randn(64, 4, generator=torch.Generator().manual_seed(0))
    other = torch.randn(64, 4, generator=torch.Generator().manual_seed(1))
    training = Training(epochs=500, patience=3, learning_rate=0.02, decay=0.0)
    history = train(build(), rows(noise), rows(other), training)
    assert history.stopped == "no progress"
    assert len(history) == history.best_epoch + 3


def test_without_progress_the_learning_rate_falls_before_the_end():
    generator = torch.Generator().manual_seed(0)
    held = rows(world(30, seed=1) + 0.3 * torch.randn(30, 4, generator=generator))
    training = Training(epochs=500, patience=5, learning_rate=0.02, decay=0.5)
    history = train(build(), rows(world(40)), held, training)
    rates = history.columns["learning_rate"]
    assert history.stopped == "no progress"
    assert len(history) < 500
    assert rates[-1] < 0.1 * max(rates)


def test_a_callback_can_stop_the_run():
    class Stop(Callback):
        def on_epoch(self, run):
            run.stop("good enough")

    history = train(build(), rows(world()), None, Training(epochs=50), callbacks=[Stop()])
    assert (len(history), history.stopped) == (1, "good enough")


def test_a_run_that_a_callback_ended_stays_ended(tmp_path):
    class Stop(Callback):
        def on_epoch(self, run):
            if run.epoch == 2:
                run.stop("good enough")

    for _ in range(2):
        history = train(build(), rows(world()), None, Training(epochs=5), callbacks=[Stop()], checkpoint=tmp_path / "a")
        assert (len(history), history.stopped) == (2, "good enough")


def test_batches_count_by_their_weights_where_a_run_is_judged():
    model, x = build(), world(1024)
    plain, heavy = rows(x), torch.ones(1024)
    heavy[512:] = 9.0

    class Weighted:
        def __len__(self):
            return 1024

        def epoch(self, batch_size, seed):
            first, second = plain.epoch(batch_size, seed)
            yield replace(first, weight=heavy[:512])
            yield replace(second, weight=heavy[512:])

    halves = [float(evaluate(model, rows(x[part]), 512, seed=0)) for part in (slice(512), slice(512, None))]
    assert halves[0] != pytest.approx(halves[1], rel=1e-3)
    expected = (halves[0] + 9 * halves[1]) / 10
    assert float(evaluate(model, Weighted(), 512, seed=0)) == pytest.approx(expected, rel=1e-5)


def test_same_seed_same_weights_and_the_global_random_state_is_left_alone():
    one, two, other = build(SMALL), build(SMALL), build(SMALL)
    recipe_training = Training(epochs=4)
    state = torch.get_rng_state()
    train(one, rows(world()), None, recipe_training, seed=5)
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(3)
    train(two, rows(world()), None, recipe_training, seed=5)
    train(other, rows(world()), None, recipe_training, seed=6)
    assert same(weights(one), weights(two))
    assert not same(weights(one), weights(other))


def test_small_steps_leave_the_thread_count_as_it_was():
    before = torch.get_num_threads()
    train(build(), rows(world()), None, Training(epochs=1))
    assert torch.get_num_threads() == before


def test_weight_decay_shrinks_matrices_and_spares_biases():
    def norm(decay):
        model = build()
        train(model, rows(world()), None, Training(epochs=40, weight_decay=decay))
        return sum(float(p.detach().square().sum()) for p in model.parameters() if p.ndim > 1)

    assert norm(5.0) < 0.5 * norm(0.0)


def test_clipping_bounds_the_first_step():
    x = world() * 1e4
    moved = {}
    for clip in (None, 1e-9):
        model = build()
        before = weights(model)
        train(model, rows(x), None, Training(epochs=1, batch_size=200, clip=clip, weight_decay=0.0))
        moved[clip] = sum(float((a - b).abs().sum()) for a, b in zip(before, weights(model), strict=True))
    assert moved[1e-9] < 0.5 * moved[None]  # Adam divides by the gradient's size, but for its epsilon of 1e-8


def test_learning_rate_rises_then_falls_to_zero():
    training = Training(epochs=10, batch_size=10, warmup=0.2, decay=0.2, learning_rate=1.0)
    plan = Plan.of(training, 100)
    rates = [plan.learning_rate(training, step) for step in range(plan.steps)]
    top = rates.index(max(rates))
    assert rates[: top + 1] == sorted(rates[: top + 1])
    assert rates[top:] == sorted(rates[top:], reverse=True)
    assert max(rates) == 1.0
    assert rates[-1] == pytest.approx(0.05)  # one of the last fifth's 20 steps


def test_what_is_left_open_is_as_usual():
    usual = Training(epochs=40, batch_size=250, learning_rate=1e-3, weight_decay=0.5, schedules=(WarmUp(),))
    assert Training().filled(usual) == usual(weight_decay=Training().weight_decay)
    said = Training(steps=9, batch_size=2, learning_rate=0.1, clip=None, schedules=())
    assert said.filled(usual) == said
    assert Training(epochs=5).filled(Training(steps=900)) == Training(epochs=5)
    assert Plan.of(Training(), 100).learning_rate(Training(), 500) == 3e-3


@pytest.mark.parametrize("samples", [1, 2, 10, 150, 1797, 60_000, 10**7])
def test_plans_make_sense_at_every_size(samples):
    plan = Plan.of(Training(), samples)
    assert 1 <= plan.batch_size <= samples
    assert plan.steps_per_epoch * plan.batch_size >= samples > (plan.steps_per_epoch - 1) * plan.batch_size
    assert plan.epochs >= 10


def test_split_holds_out_the_share_and_never_shares_a_row():
    kept, held = split(1000, 0.2, seed=1)
    assert (len(kept), len(held)) == (800, 200)
    assert sorted([*kept.tolist(), *held.tolist()]) == list(range(1000))
    assert len(split(9, 0.5, seed=1)[1]) == 0
    assert len(split(10**6, 0.5, seed=1)[1]) == 10_000


def test_batches_cover_all_rows_once_in_equal_sizes():
    source = rows(torch.arange(103.0)[:, None], torch.arange(1, 103))
    batches = [batch.x for batch in source.epoch(25, seed=3)]
    assert {len(batch) for batch in batches} <= {20, 21}
    assert sorted(torch.cat(batches).flatten().tolist()) == list(range(1, 103))
    assert torch.equal(torch.cat([b.x for b in source.epoch(25, None)]).flatten(), torch.arange(1.0, 103.0))
    first, second = (torch.cat([b.x for b in source.epoch(25, seed)]) for seed in (1, 2))
    assert not torch.equal(first, second)


class _Poison(Callback):
    def __init__(self, after):
        self.after = after

    def on_epoch(self, run):
        if run.epoch == self.after:
            with torch.no_grad():
                next(run.model.parameters()).fill_(float("nan"))


def test_a_loss_that_is_not_finite_names_step_term_and_cure():
    with pytest.raises(TrainingError, match=r"distortion became nan at step 9; .*learning rate") as caught:
        train(build(), rows(world()), None, Training(epochs=5, batch_size=50), callbacks=[_Poison(2)])
    assert isinstance(caught.value, ArithmeticError)


def test_a_penalty_that_is_not_finite_is_named():
    model = build(SMALL(penalties=(MMD(weight=1e308),)))
    with pytest.raises(TrainingError, match=r"penalty 'mmd' became inf at step \d+; lower the weight of this penalty"):
        train(model, rows(world()), None, Training(epochs=2))


def test_interrupt_keeps_the_best_so_far():
    class Interrupt(Callback):
        def on_epoch(self, run):
            if run.epoch == 2:
                raise KeyboardInterrupt

    model = build()
    with pytest.warns(DiaboloWarning, match=r"interrupted .* of epoch 2"):
        history = train(model, rows(world()), None, Training(epochs=50), callbacks=[Interrupt()])
    assert (history.stopped, len(history)) == ("interrupted", 2)


def test_layerwise_stages_train_each_layer_and_share_its_weights():
    model = build(Recipe(MLP(hidden=(16, 8)), pretraining=Layerwise()))
    before = weights(model)
    seen = []

    class Watch(Callback):
        def on_start(self, run):
            seen.append(type(run.model).__name__)

    history = train_in_stages(model, rows(world()), None, Training(epochs=2), callbacks=[Watch()])
    assert seen == ["Stage", "Stage", "Stage", "Autoencoder"]
    assert len(history.stages) == 3
    assert all(not torch.equal(a, b) for a, b in zip(before, weights(model), strict=True))


def test_layerwise_pretraining_gives_a_head_start():
    def first_loss(pretraining):
        model = build(Recipe(MLP(hidden=(32, 16), activation="tanh", bypass=False), pretraining=pretraining))
        return train_in_stages(model, rows(world()), None, Training(epochs=20)).columns["loss"][0]

    assert first_loss(Layerwise()) < 0.6 * first_loss(None)


def test_device_names():
    assert resolve("cpu").type == "cpu"
    with pytest.raises(ValueError, match=r"'abacus'.*'auto'"):
        resolve("abacus")
    with pytest.raises(ValueError, match="must be text"):
        resolve(torch.device("cpu"))  # type: ignore[arg-type]


@pytest.mark.parametrize("callbacks", [print, [print], Callback()])
def test_what_is_no_callback_is_refused_before_the_first_step(callbacks):
    with pytest.raises(ParameterError, match="'callbacks' must be a list of Callback"):
        train(build(), rows(world()), None, Training(epochs=2), callbacks=callbacks)


KILLED = """
    import os, signal, sys, torch
    from pathlib import Path
    torch.set_num_threads(1)
    sys.path.insert(0, {tests!r})
    from test_loop import build, rows, world, RECIPE_IN_STAGES
    from diabolo.training import Callback, Training, train_in_stages

    class Kill(Callback):
        def __init__(self, step):
            self.step, self.steps = step, 0

        def on_start(self, run):
            gradient = run.gradient
            def counted(batch):
                self.steps += 1
                if self.steps == self.step:
                    os.kill(os.getpid(), signal.SIGKILL)
                return gradient(batch)
            run.gradient = counted

    def train(folder, step):
        model = build(RECIPE_IN_STAGES)
        train_in_stages(model, rows(world()), rows(world(50, 1)), Training(epochs=4, batch_size=50), seed=3,
                        callbacks=[Kill(step)], checkpoint=folder / "run")
        torch.save(model.state_dict(), folder / "weights.pt")

    def ended(step):
        child = os.fork()
        if not child:
            train(Path({folder!r}) / str(abs(step)), step)
            os._exit(0)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    for step in {steps}:
        print(ended(step))
"""

RECIPE_IN_STAGES = Recipe(MLP(hidden=(8,)), pretraining=Layerwise())


def _killed_at(folder, steps):
    """How processes ended that were killed at such steps, in folders named by them; none is killed at 0 or below."""
    code = textwrap.dedent(KILLED.format(tests=str(Path(__file__).parent), folder=str(folder), steps=steps))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return [int(line) for line in done.stdout.split()]


def test_killed_at_any_step_resumes_to_the_same_weights(tmp_path):
    steps = [1, 7, 18, 23, 34, 43]  # in the first stage, in the second, and in the whole
    for step in [0, *steps]:
        (tmp_path / str(step)).mkdir()
    ends = _killed_at(tmp_path, [0, *steps, *(-step for step in steps)])  # those below 0 go on to the end
    assert ends == [0] + [-signal.SIGKILL] * len(steps) + [0] * len(steps)
    whole, *resumed = (torch.load(tmp_path / str(step) / "weights.pt") for step in [0, *steps])
    assert all(same(list(whole.values()), list(each.values())) for each in resumed)


def test_a_finished_run_is_not_run_again(tmp_path):
    file = tmp_path / "run"
    first, second = build(), build()
    train(first, rows(world()), None, Training(epochs=3), checkpoint=file)
    history = train(second, rows(world()), None, Training(epochs=3), checkpoint=file, callbacks=[_Poison(1)])
    assert same(weights(first), weights(second))
    assert len(history) == 3


def test_stages_are_remembered_by_a_run_that_was_killed_in_the_whole(tmp_path):
    class Dies(Callback):
        def on_epoch(self, run):
            if type(run.model).__name__ == "Autoencoder":
                raise RuntimeError("the power failed")

    def run(folder, *callbacks):
        return train_in_stages(
            build(RECIPE_IN_STAGES),
            rows(world()),
            None,
            Training(epochs=3),
            callbacks=callbacks,
            checkpoint=folder / "run",
        )

    for name in "ab":
        (tmp_path / name).mkdir()
    whole = run(tmp_path / "a")
    with pytest.raises(RuntimeError, match="power"):
        run(tmp_path / "b", Dies())
    assert len(list((tmp_path / "b").iterdir())) == 3  # that of the whole, and of each stage
    resumed = run(tmp_path / "b")
    losses = [[stage.columns["loss"] for stage in history.stages] for history in (whole, resumed)]
    assert len(losses[0]) == 2
    assert losses[0] == losses[1]
    assert [file.name for file in (tmp_path / "b").iterdir()] == ["run"]
    assert len(run(tmp_path / "b").stages) == 2  # a finished one, too


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    file, changed = tmp_path / "run", world()
    changed[-1] += 1  # the last sample alone
    train(build(), rows(world()), None, Training(epochs=2), checkpoint=file)
    for other in (
        lambda: train(build(), rows(world()), None, Training(epochs=3), checkpoint=file),
        lambda: train(build(), rows(world()), None, Training(epochs=2), seed=1, checkpoint=file),
        lambda: train(build(), rows(world() + 1), None, Training(epochs=2), checkpoint=file),
        lambda: train(build(), rows(changed), None, Training(epochs=2), checkpoint=file),
        lambda: train(build(), replace(rows(world()), target=world()), None, Training(epochs=2), checkpoint=file),
        lambda: train(build(), rows(world()), rows(changed), Training(epochs=2), checkpoint=file),
        lambda: train(build(Recipe(MLP(hidden=(9,)))), rows(world()), None, Training(epochs=2), checkpoint=file),
    ):
        with pytest.raises(FileError, match="another run"):
            other()
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(FileError):
        train(build(), rows(world()), None, Training(epochs=2), checkpoint=file)


def test_no_warning_from_an_ordinary_run():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        train(build(), rows(world()), None, Training(epochs=1))
