"""Scaling for distances: numbers with a unit keep it, others have unit variance, and all come back."""

import numpy as np
import torch

from diabolo.data import Moments, Scaling

REAL = ("real",) * 3


def scaled(x):
    moments = Moments.of([x], REAL)
    plain = Scaling.of(moments, REAL)
    return plain, plain.comparable(moments, REAL)


def test_numbers_within_0_and_1_have_one_scale():
    x = np.random.default_rng(0).random((200, 3)) * np.array([1.0, 0.1, 50.0])
    plain, ours = scaled(x)
    assert ours.scale[0] == ours.scale[1]
    assert ours.scale[2] == plain.scale[2]
    assert np.isclose(float(ours.tensor(x)[:, :2].var(0, correction=0).mean()), 1)
    assert np.allclose(ours.undo(ours.tensor(x, dtype=torch.float64)), x)


def test_bytes_have_one_scale():
    x = np.random.default_rng(0).integers(0, [256, 20, 2], (200, 3)).astype(np.uint8)
    _, ours = scaled(x)
    assert len(set(ours.scale)) == 1


def test_without_any_nothing_changes():
    x = np.random.default_rng(0).normal(size=(200, 3)) * 4
    plain, ours = scaled(x)
    assert np.array_equal(plain.scale, ours.scale)


def test_constant_columns_within_do_no_harm():
    x = np.zeros((20, 3))
    plain, ours = scaled(x)
    assert np.array_equal(plain.scale, ours.scale)
    x[:, 0] = np.arange(20) / 20
    assert bool(scaled(x)[1].tensor(x).isfinite().all())
