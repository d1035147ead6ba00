"""Bytes as zstandard has them: with much effort, and about how many these are."""

import numpy as np
import pytest

from diabolo.codec.squeezed import about, expanded, squeezed


def kinds():
    """Bytes that repeat nothing, something near, something far, and everything."""
    draw = np.random.default_rng(0)
    yield "random", draw.bytes(200_000)
    yield "few", draw.choice(4, 200_000, p=[0.7, 0.1, 0.1, 0.1]).astype(np.uint8).tobytes()
    yield "far", 3 * draw.bytes(1_500_000)
    yield "walk", np.cumsum(draw.integers(-3, 4, 50_000)).astype(np.int16).tobytes()
    yield "same", bytes(100_000)
    yield "none", b""
    yield "one", b"x"


@pytest.mark.parametrize("data", [pytest.param(data, id=name) for name, data in kinds()])
def test_about_is_what_much_effort_makes_or_a_little_more(data):
    size = len(squeezed(data, 9))
    assert 0.95 * size - 8 <= about(data) <= 1.5 * size + 64
    assert expanded(squeezed(data), len(data)) == data
