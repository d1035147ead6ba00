"""Images of 16 bits and of floating point numbers are learned from as bytes of the same brightness are."""

import numpy as np
import pytest
from PIL import Image

from diabolo import Recipe, Training
from diabolo.estimators import Detector, Reducer
from diabolo.likelihoods import SquaredError
from diabolo.nets import Linear

SCALES = {"deep": 257.0, "floats": 1 / 255}
LINEAR = Recipe(Linear(), likelihood=SquaredError())


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("images")
    shades = np.einsum("ni,ihw->nhw", rng.normal(size=(24, 3)) * [40, 15, 5], rng.normal(size=(3, 8, 8)) / 2)
    low = (128 + shades).clip(0, 255).astype(np.uint8)
    for name, images in (("bytes", low), ("deep", low * np.uint16(257)), ("floats", (low / 255).astype(np.float32))):
        (folder / name).mkdir()
        for i, image in enumerate(images):
            Image.fromarray(image).save(folder / name / f"{i:02}.tif")
    return folder


@pytest.mark.parametrize("name", list(SCALES))
def test_reconstructions_are_those_of_bytes(folders, name):
    one, two = (Reducer(3, recipe=LINEAR, random_state=0).fit(folders / x) for x in ("bytes", name))
    codes = [np.abs(reducer.transform(folders / x)) for reducer, x in ((one, "bytes"), (two, name))]
    np.testing.assert_allclose(codes[1], codes[0], rtol=1e-3, atol=1e-3)
    rebuilt, expected = two.reconstruct(folders / name), one.reconstruct(folders / "bytes") * SCALES[name]
    np.testing.assert_allclose(rebuilt, expected, rtol=1e-3, atol=1e-2 * SCALES[name])
    assert rebuilt.dtype == np.float32


@pytest.mark.parametrize("name", list(SCALES))
def test_a_detector_orders_them_as_it_does_bytes(folders, name):
    training = Training(epochs=2)
    one, two = (Detector(3, training=training, random_state=0).fit(folders / x) for x in ("bytes", name))
    scores = one.score_samples(folders / "bytes"), two.score_samples(folders / name)
    assert np.corrcoef(*scores)[0, 1] > 0.95
