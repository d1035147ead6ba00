"""Worlds of vectors that are sums of few atoms, which are known."""

import numpy as np

from diabolo import Training


def planted(
    count: int = 4000, width: int = 16, n: int = 24, active: int = 3, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return float32 vectors (count, width), their atoms (n, width) of length 1, and the codes (count, n)."""
    rng = np.random.default_rng(seed)
    atoms = rng.normal(size=(n, width))
    atoms /= np.linalg.norm(atoms, axis=1, keepdims=True)
    codes = np.zeros((count, n))
    places = rng.random((count, n)).argsort(1)[:, :active]
    np.put_along_axis(codes, places, rng.uniform(1, 2, places.shape), 1)
    return (codes @ atoms).astype(np.float32), atoms, codes


def quick(steps: int = 300, batch_size: int = 256, learning_rate: float = 5e-3) -> Training:
    """Return a short training that suits dictionaries."""
    return Training(
        steps=steps, batch_size=batch_size, learning_rate=learning_rate, weight_decay=0.0, validation=0.1, patience=1000
    )


def best_cosines(found: np.ndarray, atoms: np.ndarray) -> np.ndarray:
    """Return for each of the atoms (n, width) the cosine to the most similar one found."""
    unit = [each / np.maximum(np.linalg.norm(each, axis=1, keepdims=True), 1e-12) for each in (found, atoms)]
    return (unit[1] @ unit[0].T).max(1)
