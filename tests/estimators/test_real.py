"""The reducer on real tables, series and images; skipped where the folder of data is absent."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.linalg import subspace_angles
from sklearn.decomposition import PCA

from diabolo import Reducer, Training


def _loaded(path: Path, name: str) -> np.ndarray:
    if not path.exists():
        pytest.skip(f"real data: {path.name} is not there")
    with np.load(path, allow_pickle=False) as file:
        return file[name]


def test_linear_is_pca_on_mnist(shared):
    images = _loaded(shared / "mnist" / "mnist.npz", "x_train")[:20_000, None]
    test = _loaded(shared / "mnist" / "mnist.npz", "x_test")[:2000, None]
    reducer = Reducer(32, recipe="linear", training=Training(validation=0)).fit(images)
    pca: Any = PCA(32, svd_solver="covariance_eigh").fit(images.reshape(-1, 784) / 255.0)
    found = reducer.model_.get_parameter("encoder.map.weight").detach().numpy()
    assert np.degrees(subspace_angles(found.T, pca.components_.T).max()) < 0.1
    flat = test.reshape(-1, 784) / 255.0
    expected = np.square(pca.inverse_transform(pca.transform(flat)) - flat).mean()
    error = np.square((reducer.reconstruct(test).astype(float) - test) / 255).mean()
    assert error == pytest.approx(expected, rel=1e-3)


def test_a_dense_net_halves_the_error_of_pca_on_pendigits(shared):
    X = np.unique(_loaded(shared / "adbench" / "28_pendigits.npz", "X"), axis=0)
    order = np.random.default_rng(0).permutation(len(X))
    reducer = Reducer(5, random_state=0, training=Training(epochs=10)).fit(X[order[1000:]])
    errors = reducer._errors(X[order[:1000]])
    assert errors["model"] < 0.5 * errors["pca"]


def test_a_dense_net_beats_pca_on_heartbeats(shared):
    with np.load(shared / "ecg5000" / "ECG5000.npz", allow_pickle=False) as file:
        series = [file[name] for name in file.files if file[name].ndim == 2 and file[name].shape[1] == 140]
    X = np.concatenate(series)[:, :, None].astype(np.float32)
    reducer = Reducer(16, random_state=0, training=Training(epochs=4)).fit(X[1000:])
    errors = reducer._errors(X[:1000])
    assert errors["model"] < 0.9 * errors["pca"]
