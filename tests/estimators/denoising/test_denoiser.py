"""Denoising in worlds whose truth is known."""

import copy
from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from diabolo import Denoiser, Recipe, Training, load
from diabolo.corruptions import BlindNoise, BlindSpot, GaussianNoise, MaskPatches, SwapNoise
from diabolo.errors import CapabilityError, DataError, DataTypeError, DiaboloWarning, FileError, ParameterError
from diabolo.estimators.denoising import restored as restored_module
from diabolo.estimators.denoising.restoring import planned, shape_of
from diabolo.estimators.signals import Signals, scaling_of
from diabolo.metrics import psnr, snr
from diabolo.nets import MLP, Conv, ResUNet

SMALL = Recipe(ResUNet((8, 16), 1))
BRIEF = Training(steps=150, batch_size=16)


def waves(count, *size, seed=0):
    """Images in [0, 1] of two waves each, smooth and never the same."""
    rng = np.random.default_rng(seed)
    y, x = np.meshgrid(*(np.arange(s) for s in size), indexing="ij")
    angle, phase, rate = rng.uniform(0, np.pi, (3, count, 2, 1, 1))
    wave = np.sin((0.1 + 0.1 * rate) * (np.cos(angle) * x + np.sin(angle) * y) + 2 * phase)
    return (0.5 + 0.2 * wave.sum(1))[:, None].astype(np.float32)  # (N, 1, H, W)


def noisy(x, sigma, seed=1):
    return x + sigma * np.random.default_rng(seed).normal(size=x.shape).astype(np.float32)


CLEAN = waves(30, 32, 32)
TEST = waves(8, 32, 32, seed=9)


@pytest.fixture(scope="module")
def fitted():
    return Denoiser(recipe=SMALL, training=BRIEF, random_state=0).fit(CLEAN)


def gained(denoiser, sigma=0.1):
    seen = noisy(TEST, sigma)
    return (psnr(TEST, denoiser.transform(seen), 1.0) - psnr(TEST, seen, 1.0)).mean()


@pytest.mark.parametrize("sigma", [0.05, 0.1, 0.18])
def test_one_model_removes_noise_of_any_level(fitted, sigma):
    assert gained(fitted, sigma) > 4
    assert fitted.recipe_.corruption == BlindNoise()


def test_what_is_clean_stays_almost_as_it_is(fitted):
    assert psnr(TEST, fitted.transform(TEST), 1.0).min() > 30


def of_noisy(seen, **knobs):
    return Denoiser(
        recipe=SMALL(**knobs), examples="noisy", training=Training(steps=160, batch_size=16), random_state=0
    ).fit(seen)


OWN = noisy(waves(40, 32, 32, seed=3), 0.1, seed=4)


@pytest.mark.parametrize("corruption", [None, GaussianNoise(0.1)], ids=str)
def test_noisy_samples_alone_are_enough_where_their_noise_is_plain(corruption):
    recorrupted = of_noisy(OWN, corruption=corruption)
    assert recorrupted.way_ == "recorrupted"
    assert recorrupted.recipe_.corruption is None
    assert gained(recorrupted) > 5


def test_noisy_samples_alone_are_enough_where_it_is_shot_noise():
    def shot(x, seed):
        return (np.random.default_rng(seed).poisson(x * 60) / 60).astype(np.float32)

    neighbours = of_noisy(shot(waves(40, 32, 32, seed=3), 0))
    assert neighbours.way_ == "neighbours"
    seen = shot(TEST, 1)
    assert (psnr(TEST, neighbours.transform(seen), 1.0) - psnr(TEST, seen, 1.0)).mean() > 4


def test_noisy_samples_alone_are_enough_for_blind_spots():
    blind = of_noisy(OWN, corruption=BlindSpot())
    assert (blind.way_, blind.recipe_.corruption) == ("blind", BlindSpot())
    assert gained(blind) > 3


def test_the_way_is_chosen_by_the_noise():
    rng = np.random.default_rng(0)
    clean = waves(20, 48, 48)
    each = noisy(clean, rng.uniform(0.01, 0.2, (20, 1, 1, 1)))
    rows = noisy(clean, 0.1) + np.roll(noisy(clean, 0.1) - clean, 1, -1)
    for seen, way in ((noisy(clean, 0.1), "recorrupted"), (each, "neighbours"), (rows, "blind"), (clean, "blind")):
        quick = Denoiser(recipe=SMALL, examples="noisy", training=Training(epochs=1)).fit(seen)
        assert quick.way_ == way
        assert quick.recipe_.corruption == (BlindSpot() if way == "blind" else None)


def test_pairs_teach_damage_of_any_kind():
    def striped(x):
        return x + 0.3 * (np.arange(x.shape[-1]) % 4 == 0)

    paired = Denoiser(recipe=SMALL, training=BRIEF, random_state=0).fit(striped(CLEAN), CLEAN)
    assert paired.recipe_.corruption is None
    after = psnr(TEST, paired.transform(striped(TEST)), 1.0)
    assert (after - psnr(TEST, striped(TEST), 1.0)).mean() > 10  # no model of noise would take them away


@pytest.mark.parametrize(
    ("factor", "warned"),
    [(255.0, True), (1 / 255, True), (0.0, False), (5.0, False)],
    ids=["x 255", "/ 255", "blank", "x 5"],
)
def test_pairs_in_different_units_are_told(factor, warned):
    told = pytest.warns(DiaboloWarning, match="not in the same units") if warned else nullcontext()
    with told:
        Denoiser(recipe=SMALL, training=Training(epochs=1), random_state=0).fit(CLEAN[:8] * 1.1, CLEAN[:8] * factor)


def test_clean_columns_go_by_name_where_they_have_those_of_the_noisy_ones():
    rng = np.random.default_rng(0)
    clean = pd.DataFrame(rng.normal((0.0, 20.0), size=(200, 2)), columns=["a", "b"])
    noisy = clean + rng.normal(size=(200, 2))
    quick = Denoiser(training=Training(steps=20), random_state=0, device="cpu")
    fits = [quick.fit(noisy, y).transform(noisy) for y in (clean, clean[["b", "a"]], clean.to_numpy())]
    pd.testing.assert_frame_equal(fits[0], fits[1])
    pd.testing.assert_frame_equal(fits[0], fits[2])
    renamed = quick.fit(noisy, clean.set_axis(["clean a", "clean b"], axis=1)).transform(noisy)
    pd.testing.assert_frame_equal(fits[0], renamed)  # other names say nothing


def test_lists_of_series_come_back_each_in_its_own_form():
    series = [np.random.default_rng(i).normal(size=(40, 2)).cumsum(0) for i in range(6)]
    denoiser = Denoiser(training=Training(steps=5), random_state=0, device="cpu").fit(series)
    expected = denoiser.transform(series)
    days = pd.date_range("2020", periods=40)
    frames = denoiser.transform([pd.DataFrame(each, columns=["u", "v"], index=days) for each in series])
    assert all(isinstance(each, pd.DataFrame) and each.index.equals(days) for each in frames)
    tensors = denoiser.transform([torch.from_numpy(each) for each in series])
    for array, frame, tensor in zip(expected, frames, tensors, strict=True):
        assert np.array_equal(array, frame.to_numpy())
        assert np.array_equal(array, tensor.numpy())


def test_strength_is_the_share_that_is_removed(fitted):
    seen = noisy(TEST, 0.1)
    none, half, whole = (fitted.transform(seen, strength=s) for s in (0, 0.5, 1))
    assert np.array_equal(none, seen)
    assert np.allclose(half, (seen + whole) / 2, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_images_keep_their_type(dtype):
    top = 1 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
    clean, seen = (np.clip(x * top, 0, top).astype(dtype) for x in (CLEAN, noisy(TEST, 0.1)))
    found = (
        Denoiser(recipe=SMALL, training=Training(steps=40, batch_size=16), random_state=0).fit(clean).transform(seen)
    )
    assert found.dtype == dtype
    assert psnr(TEST * top, found, top).mean() > psnr(TEST * top, seen, top).mean() + 2


@pytest.mark.parametrize(("dtype", "top"), [(np.uint8, 255), (np.uint16, 65535), (np.uint16, 4095)])
def test_images_of_another_depth_than_in_training(fitted, dtype, top):
    seen = np.clip(noisy(TEST, 0.1) * top, 0, top).astype(dtype)
    assert psnr(TEST * top, fitted.transform(seen), top).mean() > psnr(TEST * top, seen, top).mean() + 4


def test_lists_of_several_sizes_come_back_as_such(fitted):
    images = [waves(1, h, w)[0] for h, w in ((32, 32), (17, 50), (5, 9))]
    found = fitted.transform(images)
    assert [x.shape for x in found] == [x.shape for x in images]
    again = Denoiser(recipe=SMALL, training=Training(epochs=1), random_state=0).fit(images[:2])
    assert [x.shape for x in again.transform(images)] == [x.shape for x in images]


def test_tensors_come_back_as_tensors(fitted):
    found = fitted.transform(torch.from_numpy(TEST))
    assert isinstance(found, torch.Tensor)
    assert np.array_equal(found.numpy(), fitted.transform(TEST))


def test_large_images_are_computed_tile_by_tile_as_a_whole(fitted, monkeypatch):
    image, done = waves(1, 150, 170), []
    whole = fitted.transform(image)
    monkeypatch.setattr(restored_module, "POINTS", 1000)
    tiled = fitted.transform(image, watch=lambda *n: done.append(n))
    assert np.allclose(tiled, whole, atol=1e-5)
    assert done[-1][0] == done[-1][1] == len(done) > 10


def test_series_of_any_length():
    rng = np.random.default_rng(0)

    def sung(count, length):
        t = np.arange(length)
        phase = rng.uniform(0, 6, (2, count, 1))
        return np.stack([np.sin(t / 5 + phase[0]), 10 * np.cos(t / 9 + phase[1])], 2)  # (N, T, 2)

    singer = Denoiser(recipe=Recipe(ResUNet((8, 16), 1, fold=1)), training=BRIEF, random_state=0).fit(sung(40, 100))
    clean = sung(5, 333)
    seen = clean + rng.normal(size=clean.shape) * (0.3, 3.0)
    assert (snr(clean, singer.transform(seen)) - snr(clean, seen)).mean() > 4
    assert isinstance(singer.transform(list(seen)), list)


def test_rows_of_tables_with_swapped_cells():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(600, 2)) @ rng.normal(size=(2, 8))
    swapped = np.where(rng.random(rows.shape) < 0.1, rng.permuted(rows, axis=0), rows)
    table = Denoiser(training=Training(epochs=60), random_state=0).fit(rows)
    assert table.recipe_.corruption == SwapNoise()
    assert isinstance(table.recipe_.net, MLP)
    assert np.square(table.transform(swapped) - rows).mean() < 0.6 * np.square(swapped - rows).mean()
    alone = Denoiser(examples="noisy", training=Training(epochs=60), random_state=0).fit(swapped)
    assert alone.recipe_.corruption == MaskPatches(0.2, size=1)
    assert np.square(alone.transform(swapped) - rows).mean() < 0.8 * np.square(swapped - rows).mean()


@pytest.mark.parametrize("examples", ["clean", "noisy"])
def test_a_constant_column_of_a_table_comes_back_constant(examples, tmp_path):
    rng = np.random.default_rng(0)
    rows = np.column_stack([rng.normal(size=(60, 3)), np.full(60, 0.1)])
    table = Denoiser(examples=examples, training=Training(epochs=1), random_state=0).fit(rows)
    table.save(tmp_path / "m")
    seen = rows + rng.normal(size=rows.shape)
    for denoiser in (table, load(tmp_path / "m")):
        assert denoiser.constant_ == [3]
        assert (denoiser.transform(seen)[:, 3] == 0.1).all() and (
            denoiser.transform(rows, strength=0.3)[:, 3] == 0.1
        ).all()
    paired = Denoiser(training=Training(epochs=1)).fit(seen, rows)
    assert (paired.transform(seen)[:, 3] == 0.1).all()
    assert Denoiser(recipe=SMALL, training=Training(epochs=1)).fit(np.ones((2, 20, 1))).constant_ == []


@pytest.mark.parametrize("constant", [[4], [-1], [True], "all", {}])
def test_a_file_of_other_constant_columns_is_refused(tmp_path, constant):
    table = Denoiser(training=Training(epochs=1)).fit(np.random.default_rng(0).normal(size=(20, 4)))
    table.constant_ = constant
    table.save(tmp_path / "m")
    with pytest.raises(FileError, match="constant columns does not fit"):
        load(tmp_path / "m")


@pytest.mark.parametrize("make", [np.asarray, list, torch.tensor, pd.Series], ids=["array", "list", "tensor", "series"])
def test_one_line_of_numbers_is_a_series_or_a_column(fitted, make):
    line = make(np.sin(np.arange(500.0)))
    for ask in (Denoiser().fit, Denoiser(examples="noisy").fit, fitted.transform, fitted.quality, fitted.report):
        with pytest.raises(
            DataError, match=r"got 1 axes. Reshape your data: .*X\[None, :, None\] a single series"
        ) as told:
            ask(line)
        assert len(str(told.value)) < 250


def test_a_file_restores_as_the_model_did(fitted, tmp_path):
    fitted.save(tmp_path / "m")
    again, seen = load(tmp_path / "m"), noisy(TEST, 0.1)
    assert np.array_equal(again.transform(seen), fitted.transform(seen))
    assert again.noise_ == fitted.noise_
    assert again.recipe_ == fitted.recipe_


@pytest.mark.parametrize(
    ("name", "value"), [("noise_", []), ("noise_", [0.1]), ("noise_", "loud"), ("way_", "magic"), ("type_", 8)]
)
def test_an_edited_file_is_refused(fitted, tmp_path, name, value):
    other = copy.copy(fitted)
    setattr(other, name, value)
    other.save(tmp_path / "m")
    with pytest.raises(FileError, match="does not tell what noise it learned from"):
        load(tmp_path / "m")


def test_the_same_seed_gives_the_same_model(fitted):
    again = Denoiser(recipe=SMALL, training=BRIEF, random_state=0).fit(CLEAN)
    assert np.array_equal(again.transform(TEST), fitted.transform(TEST))


def test_more_noise_than_in_training_is_told(fitted):
    assert 0 < fitted.noise_[0] < 0.05 < 0.15 < fitted.noise_[1] < 0.25
    with pytest.warns(DiaboloWarning, match="noise of about 0.4.* range of the images; the denoiser learned from"):
        fitted.transform(noisy(TEST, 0.4))


def test_quality_tells_noise_from_signal(fitted):
    good = fitted.quality(noisy(TEST, 0.1))
    assert good.deviation == pytest.approx(0.1, rel=0.15)
    assert abs(good.autocorrelation["horizontal"].value) < 0.1


def test_quality_is_not_for_tables():
    table = Denoiser(training=Training(epochs=1)).fit(np.random.default_rng(0).normal(size=(50, 3)))
    with pytest.raises(CapabilityError, match="quality is for images and series"):
        table.quality(np.zeros((3, 3)))


def test_the_report_shows_before_and_after(fitted, tmp_path):
    page = fitted.report(noisy(TEST, 0.1), TEST)
    page.save(tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert "restored, dB" in text
    assert "looks like independent noise" in text or "left in what was removed" in text


def test_the_clean_pictures_of_a_report_may_be_a_folder(fitted, tmp_path):
    for name, pictures in (("noisy", noisy(TEST[:3], 0.1)), ("clean", TEST[:3]), ("more", TEST[:4])):
        (tmp_path / name).mkdir()
        for i, x in enumerate(pictures):
            Image.fromarray((255 * x[0]).clip(0, 255).astype(np.uint8)).save(tmp_path / name / f"{i}.png")
    assert "restored, dB" in fitted.report(str(tmp_path / "noisy"), str(tmp_path / "clean")).html()
    with pytest.raises(DataError, match=r"y must hold the clean sample of each of X, 3 .*; got 4"):
        fitted.report(tmp_path / "noisy", tmp_path / "more")


@pytest.mark.parametrize(
    ("count", "length", "expected"), [(1, 500, 16), (3, 500, 48), (8, 500, 128), (1, 5000, 128), (1, 600, 18)]
)
def test_few_samples_make_small_batches(count, length, expected):
    found = Signals([np.zeros((length, 1))] * count, None)
    training = planned(None, found, shape_of(found, ResUNet()), True, torch.device("cpu"))
    assert training.batch_size == expected
    own = planned(Training(batch_size=7), found, shape_of(found, ResUNet()), True, torch.device("cpu"))
    assert own.batch_size == 7


def test_nets_of_one_size_take_that_size():
    small = Denoiser(8, recipe=Recipe(Conv((4,)), corruption=GaussianNoise(0.1)), training=Training(epochs=1))
    small.fit(CLEAN)
    assert small.transform(TEST).shape == TEST.shape
    with pytest.raises(DataError, match=r"must hold samples of shape .1, 32, 32. for the net"):
        small.transform(waves(2, 16, 16))
    with pytest.raises(DataError, match="must hold samples of one size for the net Conv"):
        small.fit([waves(1, 16, 16)[0], waves(1, 20, 16)[0]])


@pytest.mark.parametrize(
    ("X", "y", "error", "sentence"),
    [
        (np.full((3, 1, 8, 8), np.nan), None, DataError, "X must hold finite numbers; sample 0"),
        ([np.zeros((1, 8, 8)), np.zeros((3, 8, 8))], None, DataError, "sample 0 has the shape .1, 8, 8., sample 1"),
        (CLEAN, CLEAN[:, :, :-1], DataError, "y must hold the clean sample of each of X, 30 of the same shapes"),
        (CLEAN, CLEAN[:-1], DataError, "got 29, and sample 29 differs"),
        (CLEAN, np.full_like(CLEAN, np.inf), DataError, "y must hold finite numbers"),
        (np.array([["a", "b"]] * 9), None, DataTypeError, "numbers"),
    ],
)
def test_samples_that_cannot_be_learned(X, y, error, sentence):
    with pytest.raises(error, match=sentence):
        Denoiser(recipe=SMALL, training=Training(epochs=1)).fit(X, y)


def test_samples_that_cannot_be_restored(fitted):
    with pytest.raises(DataError, match=r"images of 1 channel.s., as in training; got images of 3"):
        fitted.transform(np.zeros((1, 3, 8, 8)))
    with pytest.raises(DataError, match="got series of 2"):
        fitted.transform(np.zeros((1, 9, 2)))


def test_parameters_that_are_not_allowed(fitted):
    with pytest.raises(ParameterError, match="'examples' of Denoiser must be 'clean' or 'noisy'; got 'dirty'"):
        Denoiser(examples="dirty").fit(CLEAN)
    with pytest.raises(ParameterError, match=r"'strength' of transform must be a number in .0, 1.; got 2"):
        fitted.transform(TEST, strength=2)


def test_the_range_of_images_is_that_of_their_depth():
    def range_of(*values, dtype):
        array = np.array(values, dtype).reshape(1, 1, 1, -1)
        scaling = scaling_of(Signals(array, None))
        return scaling.shift.item(), scaling.shift.item() + scaling.scale.item()

    assert range_of(0, 200, dtype=np.uint8) == (0, 255)
    assert range_of(0, 1, dtype=np.uint8) == (0, 1)
    assert range_of(7, 3000, dtype=np.uint16) == (0, 4095)
    assert range_of(7, 5000, dtype=np.uint16) == (0, 8191)
    assert range_of(0.2, 0.7, dtype=np.float32) == (0, 1)
    assert range_of(-0.3, 0.1, 0.5, 0.7, 1.2, dtype=np.float32) == (0, 1)
    assert range_of(-1, -2, 0, dtype=np.float32) == (-2, 0)
    assert range_of(0.0, 40.0, dtype=np.float32) == (0, 40)
    assert range_of(-3, 5, dtype=np.int16) == (-3, 5)


def test_large_numbers_of_series_keep_their_digits():
    far = 1e9 + np.sin(np.arange(600.0) / 40)[:, None]
    cleaned = Denoiser(training=Training(steps=20), random_state=0, device="cpu").fit(far[None]).transform(far[None])
    assert cleaned.dtype == np.float64
    assert len(np.unique(cleaned)) > 500
