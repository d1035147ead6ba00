"""Images beside their pixels: structural similarity as a term of the loss, and features that an extractor makes."""

import numpy as np
import pytest
import torch
from tests.anomalies import quick, torn, weaves
from torch import nn

import diabolo
from diabolo import Recipe, Training
from diabolo.errors import ParameterError
from diabolo.metrics import cutoff, ssim
from diabolo.nets import MLP
from diabolo.penalties import Similarity

PATIENT, BRIEF = (Training(steps=steps, batch_size=64, validation=0.0) for steps in (300, 50))


def recipe(*penalties):
    return Recipe(MLP(hidden=(64,)), penalties=penalties)


def squares(count, seed=0):
    """Images (N, 1, 32, 32) of cloth."""
    return np.stack([image[:, :32, :32] for image in weaves(count, seed)])


def test_what_is_paid_for_decides_what_a_code_of_one_number_tells():
    """Light varies much, and the stripes little: squared error wants the light, similarity the stripes."""
    rng = np.random.default_rng(0)
    light, way = rng.uniform(0.2, 0.8, (200, 1, 1, 1)), rng.choice([-1, 1], (200, 1, 1, 1))
    X = light + 0.05 * way * np.where(np.arange(16) % 4 < 2, 1, -1) * np.ones((16, 1))
    rebuilt = {
        weight: quick(n_components=1, training=PATIENT, recipe=recipe(*penalties)).fit(X).reconstruct(X)
        for weight, penalties in ((0, ()), (50, (Similarity(50.0, window=7),)))
    }
    error = {weight: np.square(X - each).mean() for weight, each in rebuilt.items()}
    structure = {weight: ssim(X, each, 1.0).mean() for weight, each in rebuilt.items()}
    assert error[0] < 0.5 * error[50]
    assert structure[50] > structure[0] + 0.1


def test_windows_are_compared_by_structure_too(tmp_path):
    X = weaves(9)
    detector = quick(window=16, training=BRIEF, recipe=recipe(Similarity(0.5, window=7))).fit(X)
    odd = weaves(4, seed=1)
    odd[2] = torn(odd[2], 10, 20)
    assert detector.score_samples(odd).argmin() == 2
    assert not np.allclose(
        quick(window=16, training=BRIEF, recipe=recipe()).fit(X).score_samples(odd), detector.score_samples(odd)
    )
    detector.save(tmp_path / "model")
    np.testing.assert_allclose(
        diabolo.load(tmp_path / "model").score_samples(odd), detector.score_samples(odd), rtol=1e-9
    )


def test_windows_smaller_than_those_of_the_similarity_say_so():
    with pytest.raises(ParameterError, match="Choose a smaller window"):
        quick(window=16, recipe=recipe(Similarity())).fit(weaves(3))


def test_places_of_features_are_rows_of_a_table():
    """The recipe of the guide: what an extractor makes of each place is a row; good images held out draw the line."""
    torch.manual_seed(0)
    extractor = nn.Sequential(nn.Conv2d(1, 16, 5, stride=2), nn.ReLU(), nn.AvgPool2d(2))

    def places(images):
        with torch.inference_mode():
            maps = extractor(torch.as_tensor(images, dtype=torch.float32))
        return maps.permute(0, 2, 3, 1).flatten(0, 2), maps[:, 0].shape

    rows, _ = places(squares(20))
    detector = quick().fit(rows)

    def energies(images):
        rows, shape = places(images)
        return -detector.score_samples(rows).reshape(shape)

    odd = squares(6, seed=2)
    odd[4] = torn(odd[4], 12, 20)
    maps, usual = energies(odd), energies(squares(30, seed=1))
    assert maps.shape == (6, 7, 7)
    flagged = maps.max((1, 2)) > cutoff(usual.max((1, 2)), 0.1)
    assert flagged[4]
    assert flagged.sum() <= 2
    y, x = np.unravel_index(maps[4].argmax(), (7, 7))
    assert abs(4 * y + 4 - 15) <= 6
    assert abs(4 * x + 4 - 23) <= 6
