"""What the benchmark of music compares with: chains are distributions, histograms count what they say."""

import itertools

import numpy as np
import pytest
from benchmarks.chains import Steps, Voices, chosen
from benchmarks.generate_music import Music, below, distance, highest, intervals, lengths, pitch_classes

KEYS = np.eye(40, 128, 35, dtype=bool) & (np.arange(40) > 0)[:, None]  # category 1 is pitch 36
LINES = Music({}, np.stack([KEYS, KEYS]), slice(2), 4)


def pieces():
    draw = np.random.default_rng(0)
    return [draw.integers(0, 2, (40, 2)).cumsum(0) % 3 for _ in range(5)]


@pytest.mark.parametrize("chain", [Voices, Steps])
@pytest.mark.parametrize("weight", [0.1, 10.0])
def test_a_chain_is_a_distribution(chain, weight):
    every = np.array(list(itertools.product(range(3), repeat=4))).reshape(-1, 2, 2)
    assert np.exp(-chain(pieces(), 3, weight).nats(every)).sum() == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("kind", [Voices, Steps])
def test_what_a_chain_draws_costs_its_entropy(kind):
    chain = chosen(lambda weight: kind(pieces(), 3, weight), np.stack(pieces()))
    one, two = (chain.nats(chain.sample(400, 10, np.random.default_rng(seed))).mean() for seed in (0, 1))
    assert one == pytest.approx(two, rel=0.05)
    noise = np.random.default_rng(0).integers(0, 3, (400, 10, 2))
    assert one < chain.nats(noise).mean() - 1


def test_histograms_count():
    windows = np.array([[[25, 0], [25, 0], [27, 1]]])  # C4, C4, D4 over silence, silence, C2
    assert np.flatnonzero(intervals(LINES, windows)).tolist() == [13 + 2]
    assert np.flatnonzero(pitch_classes(LINES, windows)).tolist() == [0, 2]
    assert pitch_classes(LINES, windows)[[0, 2]].tolist() == [3, 1]
    assert lengths(LINES, windows)[1:4].tolist() == [2, 1, 0]
    upper = Music({}, np.stack([KEYS, KEYS]), slice(1), 4)
    assert np.flatnonzero(intervals(upper, windows[..., ::-1])).tolist() == []
    assert distance(np.array([1, 1]), np.array([0, 5])) == 0.5


def test_a_tune_is_its_highest_key_and_the_others():
    roll = np.zeros((3, 88), dtype=bool)
    roll[0, [3, 5, 9]] = roll[1, 7] = True
    assert highest(roll).tolist() == [10, 8, 0]
    assert [np.flatnonzero(row).tolist() for row in below(roll)] == [[3, 5], [], []]


def test_what_is_shown_is_heard():
    windows = np.random.default_rng(0).integers(0, 40, (3, 5, 2))
    np.testing.assert_array_equal(LINES.heard(LINES.shown(windows)), windows)
