"""Small real data that install with scikit-learn, as plain arrays."""

from typing import Any, cast

import numpy as np
from sklearn.datasets import load_digits, load_iris


def iris() -> np.ndarray:
    """150 flowers, four lengths each."""
    return cast(Any, load_iris()).data


def iris_frame() -> Any:
    """The same as a pandas data frame."""
    return cast(Any, load_iris(as_frame=True)).data


def digits() -> np.ndarray:
    """1,797 digits of 64 pixels, from 0 to 16."""
    return cast(Any, load_digits()).data


def digit_images() -> np.ndarray:
    """The same as images (1797, 1, 8, 8)."""
    return digits().reshape(-1, 1, 8, 8)


def digit_labels() -> np.ndarray:
    """Which digit each is."""
    return cast(Any, load_digits()).target
