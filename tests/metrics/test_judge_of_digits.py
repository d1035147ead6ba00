"""The judge of digits learns labels, depends on its seed alone, and is kept: on drawn images, which need no data."""

import numpy as np
import pytest
from benchmarks.workers import judge as judges


def drawn(count, seed):
    """Images (N, 1, 28, 28) uint8 with a bright square at one of ten places, and which (N,)."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 10, count)
    images = rng.integers(0, 60, (count, 1, 28, 28), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        top, left = 2 + 12 * (label // 5), 1 + 5 * (label % 5)
        image[0, top : top + 10, left : left + 5] += 150
    return images, labels


@pytest.fixture(scope="module")
def learned():
    return judges.trained(judges.untrained(0), *drawn(1500, 0), seed=0, epochs=2)


def test_it_learns_the_labels(learned):
    images, labels = drawn(200, 1)
    assert learned.accuracy(images, labels) > 0.95
    assert judges.untrained(0).accuracy(images, labels) < 0.5
    assert learned.classes(images).shape == (200,)


def test_features_are_what_the_classes_are_made_from(learned):
    images, _ = drawn(1100, 2)
    features = learned.features(images)
    assert features.shape == (1100, judges.FEATURES)
    assert features.dtype == np.float32
    assert (features >= 0).all()
    weight, bias = (p.detach().numpy() for p in learned.head.parameters())
    assert np.array_equal((features @ weight.T + bias).argmax(1), learned.classes(images))
    np.testing.assert_allclose(learned.features(images.astype(np.float64) / 255), features, atol=1e-4)


def test_it_is_trained_once_and_then_read(monkeypatch, tmp_path):
    asked = []

    def digits(part, rows):
        asked.append((part, rows))
        return drawn(rows, 0)

    monkeypatch.setattr(judges, "digits", digits)
    monkeypatch.setattr(judges, "_CACHE", tmp_path / "judge")
    first, again, other = (judges.judge(seed, rows=130, epochs=1) for seed in (3, 3, 4))
    images, _ = drawn(20, 1)
    assert asked == [("train", 130)] * 2
    assert np.array_equal(first.features(images), again.features(images))
    assert not np.array_equal(first.features(images), other.features(images))
    kept = sorted((tmp_path / "judge").iterdir())
    assert [file.name for file in kept] == [f"mnist-{seed}-130-1-64-0.004.safetensors" for seed in (3, 4)]
    kept[0].write_bytes(b"cut")
    assert np.array_equal(judges.judge(3, rows=130, epochs=1).features(images), first.features(images))
    assert len(asked) == 3


@pytest.mark.parametrize(
    "images", [np.zeros((2, 28, 28)), np.full((1, 1, 28, 28), 1.5), np.full((1, 1, 28, 28), np.nan)]
)
def test_what_is_no_image_of_a_digit_is_refused(learned, images):
    with pytest.raises(ValueError, match=r"Images must be \(N, 1, 28, 28\), uint8 or in \[0, 1\]"):
        learned.features(images)
