"""Generators with quantised codes: samples by a distribution of tokens, and likelihoods that are sums of both terms."""

import json

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from tests.anomalies import waves
from tests.worlds import digit_images, digit_labels

from diabolo import Generator, Recipe, Training, load
from diabolo.errors import CapabilityError, FileError, ParameterError
from diabolo.files import load as read
from diabolo.files import save
from diabolo.flow import Batch
from diabolo.latents import FSQ, Gaussian, VectorQuantized
from diabolo.likelihoods import SquaredError
from diabolo.nets import MLP
from diabolo.priors import MADE, Autoregressive, Mixture, Normal, TokenModule

QUICK = Training(steps=60, validation=0.0)
TOKENS = Autoregressive(hidden=16, layers=1)
QUANTISED = VectorQuantized(8, dim=2)


def quick(n=4, latent=QUANTISED, **knobs):
    recipe = Recipe(MLP((16,)), latent)
    return Generator(n, **{"training": QUICK, "random_state": 0, "recipe": recipe, "density": TOKENS, **knobs})


def two_heaps(count=300):
    """Return series (count, 4, 1) around 0, and 30 % of them around 6, and which."""
    rng = np.random.default_rng(0)
    far = np.arange(count) % 10 < 3
    return 6.0 * far[:, None, None] + 0.3 * rng.normal(size=(count, 4, 1)), far


@pytest.mark.parametrize(
    "latent, prior",
    [(QUANTISED, MADE()), (FSQ(5), MADE()), (FSQ(1025), Autoregressive())],
    ids=str,
)
def test_a_quantised_code_has_a_distribution_of_tokens(latent, prior):
    generator = quick(latent=latent, density=None, training=QUICK(steps=20)).fit(waves(40))
    assert generator.density_part_ == prior
    assert isinstance(generator.density_, TokenModule)
    assert generator.density_.tokens == latent.tokens(4)
    assert generator.collapsed_ == []
    assert generator.sample(3, seed=0).shape == (3, 24, 2)


def test_two_heaps_are_drawn_in_their_shares():
    x, _ = two_heaps()
    generator = quick(training=QUICK(steps=200)).fit(x)
    means = generator.sample(4000, seed=0).mean((1, 2))
    assert (means > 3).mean() == pytest.approx(0.3, abs=0.04)
    assert (np.abs(means - 3) < 1.5).mean() < 0.02


@pytest.mark.parametrize("density", [TOKENS, MADE(hidden=32)], ids=str)
def test_a_condition_decides_the_tokens(density):
    x, far = two_heaps()
    generator = quick(density=density, training=QUICK(steps=200)).fit(x, far)
    for condition, wanted in ((False, 0.0), (True, 6.0)):
        means = generator.sample(500, condition=condition, seed=0).mean((1, 2))
        assert (np.abs(means - wanted) < 1.5).mean() > 0.97
    assert (generator.sample(2000, seed=0).mean((1, 2)) > 3).mean() == pytest.approx(0.3, abs=0.05)
    right, wrong = (generator.log_likelihood(x, condition=c).mean() for c in (far, ~far))
    assert right > wrong + 5
    some = generator.log_likelihood(x)  # over both conditions, of which the right one is all that counts
    exact = generator.log_likelihood(x, condition=far) + np.log(np.where(far, 0.3, 0.7))
    np.testing.assert_allclose(some, exact, atol=0.3)


@pytest.mark.parametrize("latent", [QUANTISED, FSQ(3)], ids=str)
def test_the_likelihood_is_that_of_the_tokens_and_of_the_sample_given_them(latent):
    x = waves(40)
    generator = quick(latent=latent).fit(x)
    batch = Batch(generator.scaling_.batch(generator.scaling_.tensor(x[:9])))
    with torch.no_grad():
        output = generator.model_(batch, noise=False)
        assert isinstance(generator.density_, TokenModule)
        rate = -generator.density_.log_probability(output.code.info["indices"])
    scale = np.log(generator.scaling_.scale).sum() * 24
    found = generator.log_likelihood(x[:9])
    np.testing.assert_allclose(found, -(output.distortion + rate).double() - scale, rtol=1e-5)
    terms = generator.evidence(x[:9])
    assert terms["rate"] == pytest.approx(rate.mean().item(), rel=1e-5)
    assert terms["log_likelihood"] == pytest.approx(-terms["distortion"] - terms["rate"])
    np.testing.assert_array_equal(found, generator.log_likelihood(x[:9], samples=7, seed=3))
    with pytest.raises(ParameterError, match="'samples' of log_likelihood"):
        generator.log_likelihood(x, samples=0)


def test_new_codes_are_rows_of_the_codebook():
    generator = quick(recipe=Recipe(MLP((16,)), QUANTISED, SquaredError())).fit(waves(40))
    known = {tuple(np.round(code, 4)) for code in generator.decode(_every_code(generator)).reshape(64, -1)}
    new = generator.sample(50, seed=0, draw=False).reshape(50, -1)
    assert {tuple(np.round(code, 4)) for code in new} <= known


def _every_code(generator):
    indices = torch.cartesian_prod(torch.arange(8), torch.arange(8))
    return generator.model_.latent.of_indices(indices).numpy()


@pytest.mark.parametrize("known", [None, np.arange(40) % 3], ids=["free", "conditioned"])
def test_a_saved_generator_is_the_same(tmp_path, known):
    generator = quick().fit(waves(40), known)
    generator.save(tmp_path / "model")
    twin = load(tmp_path / "model", "cpu")
    assert twin.density == twin.density_part_ == TOKENS
    np.testing.assert_array_equal(twin.sample(9, seed=5), generator.sample(9, seed=5))
    np.testing.assert_array_equal(twin.log_likelihood(waves(9)), generator.log_likelihood(waves(9)))


def test_an_edited_file_is_refused(tmp_path):
    quick().fit(waves(40)).save(tmp_path / "m")
    document, arrays = read(tmp_path / "m")
    edits = [
        lambda d, a: d["job"].update(density=Mixture(3).to_json()),
        lambda d, a: d["job"]["density"].update(hidden=32),
        lambda d, a: d["job"]["density"].update(hidden="much"),
        lambda d, a: d["recipe"]["latent"].update(codes=9),
        lambda d, a: d.update(recipe=Recipe(MLP((16,))).to_json()),
        lambda d, a: a.update({"job.density.place": torch.zeros(3, 16)}),
        lambda d, a: a.pop("job.density.place"),
    ]
    for i, edit in enumerate(edits):
        changed, weights = json.loads(json.dumps(document)), dict(arrays)
        edit(changed, weights)
        save(tmp_path / f"edited{i}", changed, weights)
        with pytest.raises(FileError):
            load(tmp_path / f"edited{i}", "cpu")


def test_tokens_of_what_has_none_are_refused_before_training():
    for recipe in (Recipe(MLP((16,))), Recipe(MLP((16,)), Gaussian())):
        with pytest.raises(
            ParameterError, match=r"'density' cannot be Autoregressive where a code of .* not made of tok"
        ):
            quick(recipe=recipe).fit(waves(40))
    with pytest.raises(ParameterError, match="'dim' of VectorQuantized must divide"):
        quick(5).fit(waves(40))


def test_another_density_of_quantised_codes_has_samples_but_no_likelihoods():
    generator = quick(density=Normal()).fit(waves(40))
    assert generator.sample(3, seed=0).shape == (3, 24, 2)
    with pytest.raises(CapabilityError, match="VectorQuantized has no densities of codes"):
        generator.log_likelihood(waves(3))


def test_digits_of_every_class_are_drawn():
    x, labels = (digit_images() * 15).astype(np.uint8), digit_labels()
    judge = LogisticRegression(max_iter=300).fit(x.reshape(len(x), -1) / 255, labels)
    generator = Generator(
        16,
        recipe=Recipe(MLP((128,)), VectorQuantized(32)),
        training=Training(steps=400),
        random_state=0,
        density=Autoregressive(hidden=48),
    ).fit(x)
    new = generator.sample(1000, seed=0)
    shares = np.bincount(judge.predict(new.reshape(1000, -1) / 255), minlength=10) / 1000
    assert shares.min() > 0.03
    assert shares.max() < 0.2
    assert judge.predict_proba(new.reshape(1000, -1) / 255).max(1).mean() > 0.75  # digits, rather than anything
