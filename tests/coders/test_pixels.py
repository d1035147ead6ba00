"""Images without loss: the bytes come back, cost what the net says, and say no when they are foreign."""

from contextlib import suppress

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from diabolo.codec.packed import pack, unpack
from diabolo.coders.coder import Setting
from diabolo.coders.pixels.coding import PixelCoding
from diabolo.coders.pixels.context import Context, PixelSource
from diabolo.coders.pixels.counts import PixelCounts
from diabolo.coders.pixels.net import STEPS, PixelNet, bent
from diabolo.coders.pixels.pixels import Pixels
from diabolo.coders.pixels.shades import Shades
from diabolo.errors import DataError, FileError
from diabolo.training import History, Training

CPU = torch.device("cpu")
QUICK = Training(steps=60, batch_size=256, learning_rate=2e-3, weight_decay=0.0)


def images(*shape, seed=0, dtype: type = np.uint8):
    """Blank around, and smooth within."""
    rng = np.random.default_rng(seed)
    smooth = (rng.normal(0, 6, shape).cumsum(-1) + rng.normal(0, 6, shape).cumsum(-2) + 100).clip(0, 255)
    smooth[..., :2] = smooth[..., :1, :] = 0
    return (smooth * (257 if dtype == np.uint16 else 1)).astype(dtype)


def net_of(context, channel=0, size=(0, 0), seed=0, count=1000):
    """A net whose weights are drawn, all of them different from 0."""
    shades = Shades.of(np.bincount(images(4, 1, 9, 9).ravel(), minlength=256))
    torch.manual_seed(seed)
    net = PixelNet(len(context.places(channel)), shades, (6, 4), size, count)
    with torch.no_grad():
        for name in ("linear", "lean", "readout", "rows", "columns"):
            getattr(net, name).add_(0.4 * torch.randn(getattr(net, name).shape))
    return net, shades


def drawn(channels=1, reach=2, depth=1, size=(0, 0)):
    """A coding that learned nothing."""
    context = Context(channels * depth, reach)
    nets = [net_of(context, k, size, seed=k) for k in range(channels * depth)]
    counts = [PixelCounts(net.known, shades, net.integers()) for net, shades in nets]
    return PixelCoding(context, counts, depth, History())


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(st.integers(0, 3), st.integers(1, 3), st.integers(0, 9), st.integers(0, 9)),
    st.integers(1, 4),
    st.booleans(),
    st.sampled_from([np.uint8, np.uint16]),
    st.integers(0, 9),
)
def test_images_of_any_size_come_back(shape, reach, placed, dtype, seed):
    coding = drawn(shape[1], reach, np.dtype(dtype).itemsize, (5, 4) if placed else (0, 0))
    samples = np.random.default_rng(seed).integers(0, np.iinfo(dtype).max, shape, dtype=dtype, endpoint=True)
    samples[..., ::2] = 0
    again = coding.decode(coding.encode(samples), shape)
    assert again.dtype == dtype and again.shape == shape
    np.testing.assert_array_equal(again, samples)


def test_bytes_cost_what_the_net_says_in_floating_point():
    samples, context = images(3, 1, 30, 40), Context(1, 2)
    net, shades = net_of(context)
    source = PixelSource([context.laid(samples)], context, 0, CPU)
    with torch.no_grad():
        said = sum(float(net(batch).distortion.sum()) for batch in source.epoch(500, None)) / np.log(2)
    coding = PixelCoding(context, [PixelCounts(net.known, shades, net.integers())], 1, History())
    assert 8 * len(coding.encode(samples)) == pytest.approx(said, rel=0.01)


@pytest.mark.parametrize("threads", [1, 2])
def test_the_same_bytes_and_images_with_any_number_of_threads(threads):
    coding, samples = drawn(3), images(4, 3, 12, 30)
    expected = coding.encode(samples)
    with threadpool_limits(threads):
        assert coding.encode(samples) == expected
        np.testing.assert_array_equal(coding.decode(expected, samples.shape), samples)


def test_counts_do_not_depend_on_what_is_guessed_beside():
    coding = drawn(1, size=(3, 3))
    around = np.random.default_rng(0).integers(0, 256, (50, len(coding.context.places(0))), dtype=np.uint8)
    row = np.arange(50)
    cells = np.tile(np.arange(len(coding.counts[0].shades.sizes)), 50)[:50]
    whole = coding.counts[0].guess(around, row, row)
    for i in range(50):
        alone = coding.counts[0].guess(np.asfortranarray(around[i : i + 1]), row[i : i + 1], row[i : i + 1])
        np.testing.assert_array_equal(alone.cells()[0], whole.cells()[i])
        one = alone.places(np.array([0]), cells[i : i + 1])
        np.testing.assert_array_equal(one[0], whole.places(np.array([i]), cells[i : i + 1])[0])


def test_counts_are_positive_and_sum_to_what_the_coder_can_tell_apart():
    coding = drawn()
    around = np.random.default_rng(0).choice([0, 3, 128, 255], (300, len(coding.context.places(0)))).astype(np.uint8)
    guess = coding.counts[0].guess(around, 0, 0)
    for cells in (guess.cells(), guess.places(np.arange(300), np.arange(300) % len(guess.shades.sizes))):
        assert cells.min() >= 1
        assert cells.sum(1).max() <= 2**21


def test_a_coding_comes_back_from_its_state():
    coding, samples = drawn(2, 1, 2), images(2, 2, 7, 8, dtype=np.uint16)
    plain, arrays = unpack(pack(*coding.state()))
    again = Pixels().restore(plain, arrays)
    assert again.encode(samples) == coding.encode(samples)
    np.testing.assert_array_equal(again.decode(coding.encode(samples), samples.shape), samples)


def test_what_is_known_is_paid_for_only_once():
    # every row is of one value: 8 bits, and nothing for the rest of it
    samples = np.broadcast_to(np.random.default_rng(0).integers(0, 256, (40, 1, 16, 1)), (40, 1, 16, 32))
    samples = samples.astype(np.uint8)
    coding = Pixels(reach=1).learn(samples, Setting(n=8, training=QUICK(steps=250)))
    assert 40 * 16 < len(coding.encode(samples)) < 3 * 40 * 16  # of 20,480 pixels
    assert len(coding.history.columns["held_out"]) == coding.history.columns["epoch"][-1]


def test_later_channels_know_the_earlier_ones():
    grey = np.random.default_rng(0).integers(0, 256, (20, 1, 16, 16), dtype=np.uint8)
    coding = Pixels(reach=1).learn(np.concatenate([grey, grey], 1), Setting(n=8, training=QUICK(steps=150)))
    assert len(coding.encode(np.concatenate([grey, grey], 1))) < 1.1 * grey.size
    assert len(coding.history.stages) == 1  # the first channel


def test_images_of_several_sizes_are_learned_from_and_the_seed_decides():
    arrays = [images(1, 3, 12, 9), images(1, 3, 7, 15, seed=1)]
    one, same, other = (
        Pixels().learn(arrays, Setting(n=4, training=QUICK(epochs=3, batch_size=64), seed=seed)) for seed in (0, 0, 1)
    )
    assert one.encode(arrays[1]) == same.encode(arrays[1]) != other.encode(arrays[1])
    np.testing.assert_array_equal(one.decode(one.encode(arrays[1]), arrays[1].shape), arrays[1])
    assert one.state()[1]["0.rows"].shape == (0, 4)  # where a pixel is says nothing


def test_weights_pay_for_themselves():
    context = Context(1, 1)
    dear, cheap = (net_of(context, count=count)[0].cost().item() for count in (100, 100_000))
    assert dear == pytest.approx(1000 * cheap)
    samples = np.random.default_rng(0).integers(0, 256, (2, 1, 16, 16), dtype=np.uint8)  # nothing to learn
    setting = Setting(n=8, training=QUICK(steps=300, validation=0.0))
    weights = Pixels(reach=1).learn(samples, setting).state()[1]["0.readout"]
    assert (weights == 0).mean() > 0.5


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_changed_bytes_are_an_error_or_other_images_and_nothing_else(data):
    coding, samples = drawn(), images(2, 1, 8, 8)
    good = coding.encode(samples)
    at, value = data.draw(st.integers(0, len(good) - 1)), data.draw(st.integers(0, 255))
    bad = data.draw(st.sampled_from([good[:at], good[:at] + bytes([value]) + good[at + 1 :], good[at:], b""]))
    with suppress(FileError):
        assert coding.decode(bad, samples.shape).shape == samples.shape


@pytest.mark.parametrize("shape", [(1, 1, 8), (1, 2, 8, 8), (-1, 1, 8, 8), (2**20, 1, 2**20, 2**20)])
def test_shapes_of_other_images_are_refused(shape):
    with pytest.raises(FileError, match="images of shape"):
        drawn().decode(b"", shape)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("0.first", np.zeros((6, 3), np.int64)),
        ("0.first", np.full((6, 13), 2**40)),
        ("0.readout", np.zeros((1, 1), np.int64)),
        ("0.lean", np.zeros((3, 11))),
        ("0.begin", np.zeros((6, 1), np.int64)),
        ("0.begin", np.zeros(0, np.int64)),
        ("0.rows", np.zeros((4, 6), np.int64)),
        ("0.rows", np.int64(3)),
        ("0.rest", np.zeros(3, np.int64)),
        ("1.first", np.zeros((6, 13), np.int64)),
        ("0.shades.sizes", np.full(16, 17)),
        ("0.shades.sizes", np.array([256, 0])),
        ("0.shades.sizes", np.array([2**62, 2**62, 256])),
        ("0.shades.weights", np.zeros(255, np.int64)),
        ("0.shades.weights", -np.arange(256)),
        ("0.shades.weights", np.zeros(256)),
    ],
)
def test_arrays_that_are_no_state_are_refused(name, value):
    plain, arrays = drawn().state()
    with pytest.raises(FileError, match="edited or is foreign"):
        Pixels().restore(plain, arrays | {name: value})


@pytest.mark.parametrize(
    "change", [{"reach": 9}, {"reach": 1}, {"reach": None}, {"depth": 2}, {"channels": 2}, {"channels": 10**9}]
)
def test_plain_json_that_is_no_state_is_refused(change):
    plain, arrays = drawn().state()
    with pytest.raises(FileError, match="edited or is foreign"):
        Pixels().restore(plain | change, arrays)


@pytest.mark.parametrize("missing", [f"0.{name}" for name in STEPS] + ["0.shades.sizes"])
def test_a_missing_array_is_refused(missing):
    plain, arrays = drawn().state()
    with pytest.raises(FileError, match="edited or is foreign"):
        Pixels().restore(plain, {name: value for name, value in arrays.items() if name != missing})


@pytest.mark.parametrize(
    "samples",
    [
        images(1, 1, 4, 4)[0],
        images(1, 1, 4, 4).astype(np.float32),
        images(0, 1, 4, 4),
        images(1, 17, 4, 4),
        [images(1, 1, 4, 4), images(1, 3, 4, 4)],
        [],
    ],
)
def test_samples_that_are_no_images_are_refused(samples):
    with pytest.raises(DataError, match="Images to"):
        Pixels().learn(samples, Setting(training=QUICK))


@pytest.mark.parametrize("samples", [images(1, 3, 4, 4), images(1, 1, 4, 4, dtype=np.uint16)])
def test_images_of_another_kind_are_refused(samples):
    with pytest.raises(DataError, match="must have 1 channels of 8 bits"):
        drawn().encode(samples)


def test_everything_that_is_known_was_told_before():
    for channel, other in ((0, 2), (2, 0)):
        for dy, dx, k in Context(3, 2).places(channel):
            assert dy < 0 or dx < 0 or (dx == 0 and k < channel)
            assert dx - 3 * -dy < 0 or (dy == dx == 0)  # along a front with a slant of 3, too
        assert [0, 0, other] in Context(3, 2).places(channel).tolist() or other > channel


def test_differences_are_bent_as_the_logarithm_says():
    d = np.arange(-255, 256)
    np.testing.assert_array_equal(bent(), np.sign(d) * np.rint(18 * np.log2(1 + abs(d) / 2)))


@given(st.lists(st.integers(0, 10**6), min_size=256, max_size=256))
def test_each_value_has_one_cell_and_place_and_a_share(often):
    shades = Shades.of(np.array(often))
    np.testing.assert_array_equal(shades.first[shades.owner] + shades.place, np.arange(256))
    assert shades.shares[shades.owner, shades.place].min() >= 1
    again = Shades.from_arrays(shades.arrays())
    np.testing.assert_array_equal(again.shares, shades.shares)


def test_pixels_held_out_are_not_learned_from():
    samples = np.arange(241, dtype=np.uint8).reshape(1, 1, 1, 241)
    context = Context(1, 1)
    learnt, held = PixelSource([context.laid(samples)], context, 0, CPU).split()
    seen, apart = (
        {int(v) for seed in range(20) for batch in source.epoch(64, seed) for v in batch.x[:, 4]}
        for source in (learnt, held)
    )
    assert apart == set(range(0, 241, 16))
    assert seen == set(range(241)) - apart
