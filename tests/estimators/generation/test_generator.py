"""The generator on series, images and plain numbers: likelihoods are right, forms come back, seeds hold."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import torch
from sklearn.decomposition import PCA
from tests.anomalies import waves
from tests.worlds import digit_images, digit_labels

from diabolo import Generator, Recipe, Training, load
from diabolo.data import Stored
from diabolo.errors import CapabilityError, DataError, DiaboloWarning, FileError, ParameterError
from diabolo.latents import Gaussian, Hyperspherical, Ladder, Plain, TopK
from diabolo.likelihoods import Bernoulli, LogisticMixture, Poisson, SharedGaussian, SquaredError
from diabolo.metrics import autocorrelation_distance
from diabolo.nets import MLP, Linear, UNet
from diabolo.priors import Flow, Mixture, Normal

QUICK = Training(steps=30, validation=0.0)
DIGITS = (digit_images()[:300] * 15).astype(np.uint8)


def quick(n=3, **knobs):
    return Generator(n, **{"training": QUICK, "random_state": 0, "recipe": Recipe(MLP((16,)), Gaussian()), **knobs})


@pytest.fixture(scope="module")
def digits():
    return quick(4, training=Training(steps=150)).fit(DIGITS)


def planes(count=1000):
    rng = np.random.default_rng(0)
    return rng.normal(size=(count, 3)) @ rng.normal(size=(3, 8)) + 0.5 * rng.normal(size=(count, 8)) + 3


def test_a_linear_model_is_probabilistic_pca():
    x = planes()
    exact = PCA(3).fit(x).score(x)
    training = Training(steps=1200, validation=0.0)
    generator = Generator(3, recipe=Recipe(Linear(), Gaussian(), SharedGaussian()), training=training, random_state=0)
    generator.fit(x[:, :, None])
    found = generator.evidence(x[:, :, None], samples=100)
    assert found["log_likelihood"] == pytest.approx(exact, rel=0.005)
    assert found["standard error"] == pytest.approx(PCA(3).fit(x).score_samples(x).std() / np.sqrt(1000), rel=0.1)
    assert generator.score(x[:, :, None]) == pytest.approx(found["log_likelihood"])
    new = generator.sample(4000, seed=0, draw=True)[:, :, 0]
    np.testing.assert_allclose(np.cov(new.T), np.cov(x.T), atol=0.15 * x.var(0).max())


def test_series_are_drawn_and_their_steps_go_together():
    rng = np.random.default_rng(0)
    x = np.zeros((400, 30, 1))
    for t in range(1, 30):
        x[:, t] = 0.95 * x[:, t - 1] + rng.standard_t(3, size=(400, 1))
    generator = quick(training=Training(steps=300)).fit(x)
    assert generator.recipe_.likelihood == LogisticMixture(order=1)
    assert generator.density_part_ == Mixture(10)
    new, white = generator.sample(400, seed=0), quick(recipe=Recipe(MLP((16,)), Gaussian(), SharedGaussian())).fit(x)
    assert white.density_part_ is None
    assert autocorrelation_distance(x, new) < 0.05 < 0.1 < autocorrelation_distance(x, white.sample(400, seed=0))
    np.testing.assert_array_equal(new, generator.sample(400, seed=0, draw=True))
    assert generator.score(x) > white.score(x) + 5


def test_the_density_is_one_in_units_of_the_user():
    x = planes(200)[:, :, None]
    near, far = (quick().fit(scale * x) for scale in (1, 1000))
    shift = near.log_likelihood(x, 10) - far.log_likelihood(1000 * x, 10)
    np.testing.assert_allclose(shift, 8 * np.log(1000), rtol=1e-4)


def test_images_come_back_as_bytes_within_their_range(digits):
    assert digits.recipe_.likelihood == SharedGaussian()
    for new in (digits.sample(20, seed=0), digits.sample(20, seed=0, draw=True), digits.reconstruct(DIGITS[:9])):
        assert new.dtype == np.uint8
        assert new.shape[1:] == (1, 8, 8)
    still, noisy = (digits.sample(50, seed=0, draw=draw).astype(float) for draw in (None, True))
    assert np.abs(np.diff(noisy, axis=3)).mean() > np.abs(np.diff(still, axis=3)).mean()


@pytest.mark.parametrize(
    "make",
    [
        lambda x: x,
        lambda x: x.astype(np.float32),
        lambda x: (10 * x).astype(np.int16),
        lambda x: torch.tensor(x),
        lambda x: torch.tensor(10 * x).to(torch.int32),
        lambda x: (x - x.min()) / (x.max() - x.min()),
    ],
    ids=["float64", "float32", "int16", "tensor", "tensor of integers", "within 0 and 1"],
)
def test_series_come_back_in_their_form_and_range(make):
    x = make(waves(40))
    generator = quick().fit(x)
    for new in (generator.sample(30, seed=0, draw=True), generator.reconstruct(x)):
        assert type(new) is type(x)
        assert new.dtype == x.dtype
        assert tuple(new.shape[1:]) == (24, 2)
        low, high = np.asarray(x).min((0, 1)), np.asarray(x).max((0, 1))
        assert (np.asarray(new) >= low).all()
        assert (np.asarray(new) <= high).all()


def test_images_of_booleans_come_back_as_these():
    X = DIGITS > 100
    generator = quick().fit(X)
    for new in (generator.sample(5, seed=0), generator.reconstruct(X[:5])):
        assert new.dtype == bool
        assert 0.1 < new.mean() < 0.9
    plain = quick(recipe=Recipe(MLP((8,)), Gaussian(), Bernoulli()))
    for given in (X[:, 0, 2], pd.DataFrame(X[:, 0, 2]), pl.DataFrame(X[:, 0, 2])):
        new = plain.fit(given).sample(5, seed=0)
        assert type(new) is type(given)
        assert np.asarray(new).dtype == bool


def test_the_seed_decides_and_no_seed_gives_others(digits):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first, again, other = (digits.sample(5, seed=seed) for seed in (7, 7, 8))
    assert torch.equal(before, torch.get_rng_state())
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (digits.sample(5) != digits.sample(5)).any()
    np.testing.assert_array_equal(digits.log_likelihood(DIGITS[:9]), digits.log_likelihood(DIGITS[:9]))


@pytest.mark.parametrize("density", [None, Normal(), Mixture(3), Flow(2, hidden=8)], ids=str)
def test_a_saved_generator_is_the_same(tmp_path, density):
    generator = quick(density=density).fit(waves(60), np.arange(60) % 3)
    generator.save(tmp_path / "model")
    twin = load(tmp_path / "model", "cpu")
    assert twin.density == density
    np.testing.assert_array_equal(twin.sample(9, condition=1, seed=5), generator.sample(9, condition=1, seed=5))
    np.testing.assert_array_equal(twin.sample(9, seed=5), generator.sample(9, seed=5))
    np.testing.assert_array_equal(twin.log_likelihood(waves(9), 5), generator.log_likelihood(waves(9), 5))
    np.testing.assert_array_equal(twin.kl_, generator.kl_)
    assert twin.collapsed_ == generator.collapsed_


def test_any_autoencoder_generates_by_a_density_of_its_codes(tmp_path):
    for latent in (Plain(), TopK(2)):
        generator = quick(4, recipe=Recipe(MLP((16,)), latent), training=Training(steps=300)).fit(waves(240))
        assert generator.density_part_ == Mixture(10)
        new, rebuilt = generator.sample(500, seed=0, draw=False), generator.reconstruct(waves(240))
        np.testing.assert_allclose(new.std((0, 1)), rebuilt.std((0, 1)), rtol=0.1)
        with pytest.raises(CapabilityError, match=f"{type(latent).__name__} has no densities of codes"):
            generator.log_likelihood(waves(3))
    generator.save(tmp_path / "m")
    np.testing.assert_array_equal(load(tmp_path / "m", "cpu").sample(3, seed=0), generator.sample(3, seed=0))
    assert quick(recipe=Recipe(MLP((16,)))).fit(waves(45)).density_part_ == Mixture(2)


def test_a_density_is_the_prior_of_likelihoods_too():
    rng = np.random.default_rng(0)
    x = (rng.integers(0, 2, 400) * 6.0)[:, None, None] + 0.3 * rng.normal(size=(400, 5, 1))
    linear = Recipe(Linear(), Gaussian(), SharedGaussian())
    plain = quick(2, recipe=linear, training=Training(steps=400)).fit(x)
    denser = quick(2, recipe=linear, training=Training(steps=400), density=Mixture(2)).fit(x)
    assert denser.score(x) > plain.score(x) + 0.2  # two heaps are no normal distribution

    def between(generator):
        return (np.abs(generator.sample(500, seed=0).mean((1, 2)) - 3) < 1.5).mean()

    assert between(denser) < 0.02 < 0.1 < between(plain)


def test_walks_begin_and_end_where_they_should(digits):
    a, b = DIGITS[0], DIGITS[1]
    rebuilt = digits.reconstruct(DIGITS[:2]).astype(float)
    for path in ("linear", "spherical"):
        walk = digits.interpolate(a, b[None], steps=5, path=path).astype(float)
        assert walk.shape == (5, 1, 8, 8)
        np.testing.assert_allclose(walk[[0, -1]], rebuilt, atol=1)
    codes = digits.encode(DIGITS[:2]).astype(float)
    half = digits.decode(codes.mean(0, keepdims=True))
    np.testing.assert_array_equal(digits.interpolate(a, b, steps=3)[1], half[0])


def test_an_arc_keeps_the_length_of_codes():
    from diabolo.estimators.generation.walks import _PATHS

    share = np.linspace(0, 1, 7)[:, None]
    arc = _PATHS["spherical"](np.array([2.0, 0.0]), np.array([0.0, 2.0]), share)
    np.testing.assert_allclose(np.linalg.norm(arc, axis=1), 2)
    np.testing.assert_allclose(arc[3], np.sqrt(2))
    for start, end in (([0, 0], [1, 1]), ([1, 0], [-1, 0]), ([1, 2], [1, 2])):
        walk = _PATHS["spherical"](np.array(start, float), np.array(end, float), share)
        np.testing.assert_allclose(walk, _PATHS["linear"](np.array(start, float), np.array(end, float), share))


def test_a_traversal_moves_one_dimension(digits):
    code = digits.encode(DIGITS[:1])
    code[0, 2] = 1.5
    np.testing.assert_array_equal(digits.traverse(DIGITS[0], 2, [1.5])[0], digits.decode(code)[0])
    assert digits.traverse(None, 0).shape == (7, 1, 8, 8)
    centre = digits.traverse(None, 1, [digits.codes_[0, 1]])
    np.testing.assert_array_equal(centre, digits.decode(digits.codes_[:1]))


def test_what_has_collapsed_is_named():
    x = np.random.default_rng(0).normal(size=(200, 4, 1))
    with pytest.warns(DiaboloWarning, match=r"3 of the 3 dimensions .* less than 0.01 nats \(0, 1, 2\).*free_bits"):
        generator = quick(recipe=Recipe(MLP((8,)), Gaussian(beta=50.0)), training=Training(steps=300)).fit(x)
    assert generator.collapsed_ == [0, 1, 2]
    assert (generator.kl_ < 0.01).all()
    held = quick(recipe=Recipe(MLP((8,)), Gaussian(free_bits=0.5)), training=Training(steps=300)).fit(x)
    assert held.collapsed_ == []
    assert (held.kl_ > 0.2).all()


def test_numbers_of_a_named_likelihood_are_taken_as_they_are():
    ones = (np.random.default_rng(0).random((300, 6)) < [0.1, 0.5, 0.9, 0.5, 0.5, 0.5]).astype(float)
    generator = quick(recipe=Recipe(MLP((8,)), Gaussian(), Bernoulli()), training=Training(steps=300)).fit(ones)
    new = generator.sample(3000, seed=0)
    assert set(np.unique(new)) == {0, 1}
    np.testing.assert_allclose(new.mean(0), ones.mean(0), atol=0.06)
    exact = (ones * np.log(ones.mean(0)) + (1 - ones) * np.log(1 - ones.mean(0))).sum(1)
    assert generator.score(ones) == pytest.approx(exact.mean(), rel=0.03)
    counts = np.random.default_rng(0).poisson(4.0, (200, 3))
    drawn = quick(recipe=Recipe(MLP((8,)), Gaussian(), Poisson()), training=Training(steps=300)).fit(counts).sample(900)
    assert drawn.dtype == counts.dtype
    assert drawn.mean() == pytest.approx(4.0, abs=0.4)


@pytest.mark.parametrize(
    "likelihood, X, words",
    [
        (Bernoulli(), np.random.default_rng(0).normal(size=(20, 3)), r"numbers in \[0, 1\], or bytes, for Bernoulli"),
        (Bernoulli(), np.linspace(0, 1.5, 60).reshape(-1, 1, 2, 2), r"got values in \[0, 1.5\]"),
        (Poisson(), np.arange(-3, 57).reshape(20, 3), r"counts .* for Poisson; got values in \[-3, 56\]"),
        (Poisson(), np.arange(60).reshape(20, 3) / 2, r"some of them no counts. Use a likelihood of any numbers"),
        (Bernoulli(), np.where(np.eye(20, 3) > 0, np.nan, 0.5), "no missing value where the recipe names a likelihood"),
    ],
    ids=str,
)
def test_data_outside_the_range_of_the_likelihood_are_refused(likelihood, X, words):
    with pytest.raises(DataError, match=words):
        quick(recipe=Recipe(MLP((8,)), Gaussian(), likelihood)).fit(X)


def test_new_data_outside_the_range_are_refused_too():
    X = np.random.default_rng(0).random((30, 4))
    generator = quick(recipe=Recipe(MLP((8,)), Gaussian(), Bernoulli())).fit(X)
    for call in (generator.log_likelihood, generator.transform, generator.reconstruct):
        with pytest.raises(DataError, match=r"numbers in \[0, 1\], or bytes, for Bernoulli"):
            call(X + 1)


@pytest.mark.parametrize(
    "knobs, words",
    [
        ({"recipe": "unet"}, "net that decodes codes alone, such as Conv.*; got UNet"),
        ({"recipe": Recipe(UNet((4,)), Gaussian())}, "got UNet, whose decoder needs the encoder's skips"),
        ({"density": Gaussian()}, "'density' of Generator must be one of the priors .* got Gaussian"),
        ({"density": Mixture(0)}, "'components' of Mixture must be an integer in"),
        ({"density": Mixture(40)}, "'components' of Mixture must be at most half the number of codes"),
        ({"n": None}, "'n_components' of Generator must be an integer"),
    ],
    ids=str,
)
def test_parameters_that_cannot_be_are_refused(knobs, words):
    with pytest.raises(ParameterError, match=words):
        quick(**knobs).fit(waves(40))


def test_bad_calls_say_what_is_wrong(digits):
    for call, words in (
        (lambda: digits.sample(0), "'n' of sample must be an integer >= 1; got 0"),
        (lambda: digits.sample(3, seed=-1), "'seed' of sample must be an integer in"),
        (lambda: digits.sample(3, seed="x"), "'seed' of sample"),
        (lambda: digits.interpolate(DIGITS[0], DIGITS[1], 1), "'steps' of interpolate must be an integer >= 2"),
        (lambda: digits.interpolate(DIGITS[0], DIGITS[1], path="round"), "'linear' or 'spherical'; got 'round'"),
        (lambda: digits.traverse(None, 4), r"'dimension' of traverse must be an integer in \[0, 3\]; got 4"),
        (lambda: digits.traverse(None, 0, []), "'values' of traverse must be finite numbers"),
        (lambda: digits.traverse(None, 0, [np.nan]), "'values' of traverse must be finite numbers"),
        (lambda: digits.log_likelihood(DIGITS, 0), "'samples' of log_likelihood"),
    ):
        with pytest.raises(ParameterError, match=words):
            call()
    for call, words in (
        (lambda: digits.interpolate(DIGITS[:2], DIGITS[1]), "One sample is wanted here; got 2"),
        (lambda: digits.decode(np.zeros((2, 5))), r"Codes must be finite and have shape \(N, 4\); got \(2, 5\)"),
        (lambda: digits.decode(np.full((2, 4), np.nan)), "Codes must be finite"),
        (lambda: digits.log_likelihood(DIGITS[:, :, :4]), r"fitted on samples of shape \(1, 8, 8\)"),
        (lambda: digits.sample(3, condition=1), "fitted without y and takes no condition"),
        (lambda: digits.log_likelihood(DIGITS[:2], condition=[1, 2]), "fitted without y and takes no condition"),
    ):
        with pytest.raises(DataError, match=words):
            call()


def test_a_file_on_disk(tmp_path):
    np.save(tmp_path / "waves.npy", waves(60))
    stored = Stored.open(tmp_path / "waves.npy")
    generator = quick().fit(stored, np.arange(60) % 2)
    twin = quick().fit(waves(60), np.arange(60) % 2)
    np.testing.assert_array_equal(generator.sample(5, condition=1, seed=0), twin.sample(5, condition=1, seed=0))
    assert generator.reconstruct(stored).shape == (60, 24, 2)
    with pytest.raises(DataError, match="each of 60 samples; got 59 rows"):
        quick().fit(stored, np.arange(59))


def test_an_edited_file_is_refused(tmp_path):
    import json

    from diabolo.files import load as read
    from diabolo.files import save

    quick(density=Mixture(2)).fit(waves(40), np.arange(40) % 2).save(tmp_path / "m")
    document, arrays = read(tmp_path / "m")
    edits = [
        lambda d, a: d["job"]["samples"].update(low=[0.0]),
        lambda d, a: d["job"]["samples"].update(form="rows"),
        lambda d, a: d["job"].update(form="rows"),
        lambda d, a: d["job"]["conditions"][0].update(labels=["0"]),
        lambda d, a: d["job"].update(conditions=None),
        lambda d, a: d["job"].update(density={"part": "latents.Plain"}),
        lambda d, a: d["job"]["density"].update(components=3),
        lambda d, a: d["fitted"].update(collapsed_=[99]),
        lambda d, a: a.update({"job.kl": torch.zeros(7)}),
        lambda d, a: a.update({"job.shares": torch.tensor([0.5, 0.7]).double()}),
        lambda d, a: a.update({"model.conditioner.map.weight": torch.zeros(6, 3)}),
    ]
    for i, edit in enumerate(edits):
        changed, weights = json.loads(json.dumps(document)), dict(arrays)
        edit(changed, weights)
        save(tmp_path / f"edited{i}", changed, weights)
        with pytest.raises(FileError):
            load(tmp_path / f"edited{i}", "cpu").sample(1)


def test_a_report_shows_what_it_should(digits):
    pytest.importorskip("matplotlib")
    labels = digit_labels()[:300]
    page = digits.report(DIGITS, labels).html()
    for heading in ("New samples", "Input and reconstruction", "Along dimensions", "What dimensions cost", "training"):
        assert heading in page
    assert "bits per number" in page
    assert page.count("<img") == 7
    plain = quick(recipe=Recipe(MLP((8,)))).fit(waves(60), labels[:60])
    assert "log_likelihood" not in plain.report(waves(30), labels[:30]).html()


def test_series_have_the_noise_of_their_likelihood_if_that_is_theirs():
    x = waves(60)
    fixed = quick(recipe=Recipe(MLP((16,)), Gaussian(), SquaredError())).fit(x)
    assert np.array_equal(fixed.sample(5, seed=0), fixed.sample(5, seed=0, draw=False))
    told = quick().fit(x)
    assert np.array_equal(told.sample(5, seed=0), told.sample(5, seed=0, draw=True))
    assert not np.array_equal(told.sample(5, seed=0), told.sample(5, seed=0, draw=False))


@pytest.mark.parametrize("latent", [Ladder(), Hyperspherical()], ids=str)
def test_likelihoods_are_not_those_of_a_prior_that_codes_are_not_drawn_from(latent):
    generator = quick(4, recipe=Recipe(MLP((16,)), latent), density=Mixture(2)).fit(waves(60))
    assert generator.sample(2).shape == (2, *waves(1).shape[1:])
    with pytest.raises(
        CapabilityError, match=rf"a density fitted to codes of {type(latent).__name__}.*without density"
    ):
        generator.log_likelihood(waves(3))
    plain = quick(4, recipe=Recipe(MLP((16,)), latent)).fit(waves(60))
    assert np.isfinite(plain.log_likelihood(waves(3))).all()


def test_whether_samples_are_drawn_is_true_or_false(digits):
    with pytest.raises(ParameterError, match=r"'draw' of sample must be True or False.*got 'no'"):
        digits.sample(2, draw="no")
