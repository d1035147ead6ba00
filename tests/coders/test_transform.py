"""Images as bytes: what more bytes buy, and that the same image comes back everywhere."""

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diabolo.codec.entropy import Reader, Writer
from diabolo.coders.coder import Setting
from diabolo.coders.transform import scales
from diabolo.coders.transform.coding import GAINS
from diabolo.coders.transform.context import Context
from diabolo.coders.transform.context_net import ContextNet
from diabolo.coders.transform.edges import put_edges, take_levels
from diabolo.coders.transform.interlaced import LATE, NEAREST, REACHES, groups, levels
from diabolo.coders.transform.striped import striped
from diabolo.coders.transform.transform import Transform
from diabolo.errors import DataError, FileError, ParameterError
from diabolo.latents.factorized import log_bin
from diabolo.nets import Conv, ResUNet
from diabolo.nets.lapped import Lapped
from diabolo.training import Training

CODER = Transform(Lapped(4, channels=4, smoothing=1), hidden=8)
SHORT = Training(steps=100, batch_size=2, learning_rate=5e-4, weight_decay=0.0)


def photograph(seed, channels, height, width):
    """A smooth image with edges, (C, H, W) of uint8, much alike in all channels."""
    draw = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    image = np.zeros((height, width))
    for _ in range(6):
        a, b, c = draw.normal(size=3)
        image += draw.normal() * np.tanh((a * x + b * y) / 8 + 9 * c) + 0.3 * np.sin((a * x - b * y) / 20)
    tint = 1 + 0.3 * draw.normal(size=(channels, 1, 1))
    return (128 + 40 * image * tint + draw.normal(size=(channels, height, width))).clip(0, 255).astype(np.uint8)


def psnr(one, two):
    return 10 * np.log10(255**2 / ((one.astype(float) - two) ** 2).mean())


@pytest.fixture(scope="module")
def images():
    return [photograph(seed, 3, 48, 40 + 8 * (seed % 2)) for seed in range(12)]


@pytest.fixture(scope="module")
def coding(images):
    return CODER.learn(images, Setting(n=12, training=SHORT))


@pytest.fixture(scope="module")
def image():
    return photograph(99, 3, 61, 90)


def test_a_larger_gain_takes_more_bytes_and_comes_nearer(coding, image):
    sizes, quality = [], []
    for gain in (0, 10, 20, 32):
        data = coding.encode(image, gain)
        sizes.append(len(data))
        quality.append(psnr(image, coding.decode(data, image.shape)))
    assert sizes == sorted(set(sizes))
    assert quality == sorted(set(quality))
    assert quality[-1] > 30
    assert sizes[-1] < image.size / 2


@pytest.mark.parametrize("shape", [(3, 1, 1), (3, 5, 130), (3, 64, 48)])
def test_any_size_comes_back(coding, shape):
    image = photograph(5, *shape)
    back = coding.decode(coding.encode(image, 24), shape)
    assert back.shape == shape
    assert back.dtype == np.uint8
    assert psnr(image, back) > 20


@pytest.mark.filterwarnings("ignore:TF32")
def test_the_same_image_however_it_is_computed(coding, image):
    data = coding.encode(image, 20)
    expected = coding.decode(data, image.shape)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        with torch.backends.mkldnn.flags(enabled=False):
            assert np.array_equal(coding.decode(data, image.shape), expected)
            elsewhere = coding.encode(image, 20)
    finally:
        torch.set_num_threads(threads)
    expected_there = coding.decode(elsewhere, image.shape)  # the encoder may round a number of the code differently
    assert abs(psnr(image, expected_there) - psnr(image, expected)) < 0.1
    again = CODER.restore(*coding.state())
    assert again.encode(image, 20) == data
    assert np.array_equal(again.decode(data, image.shape), expected)


def test_what_was_learned_is_whole_numbers(coding):
    plain, arrays = coding.state()
    assert plain == {"colours": 3, "channels": 12}
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.int64)}


def test_learning_pays(coding, images):
    untaught = CODER.learn(images, Setting(n=12, training=SHORT(steps=1)))
    before, after = (min(each.history.columns["held_out"]) for each in (untaught, coding))
    assert after < 0.8 * before


def test_it_begins_with_distributions_as_wide_as_the_code():
    torch.manual_seed(0)
    net = ContextNet(10, 6)
    spread = torch.logspace(-1, 1, 10)
    net.begin(spread)
    q = (torch.randn(2, 10, 12, 14) * spread[:, None, None]).round()
    middle, log_scale = net(q)
    costs = -log_bin(q - middle, log_scale).mean((0, 2, 3))
    costs_alike = -log_bin(q, torch.zeros(())).mean((0, 2, 3))
    assert bool((costs[[0, -1]] < 0.7 * costs_alike[[0, -1]]).all())


@pytest.mark.parametrize("size", [1, 7])
def test_grey_images(size):
    image = photograph(3, 1, 8 * size, 16)
    coding = CODER.learn([image], Setting(n=4, training=SHORT(steps=2)))
    assert coding.decode(coding.encode(image, 32), image.shape).shape == image.shape


def test_bands_change_nothing(coding, image, monkeypatch):
    tall = np.concatenate([image] * 4, 1)[:, :, :20]
    data = coding.encode(tall, 16)
    monkeypatch.setattr("diabolo.coders.transform.coding._BAND", 16)
    assert coding._rows(20)[0] < tall.shape[1] // 4
    assert np.array_equal(coding.decode(data, tall.shape), coding.decode(coding.encode(tall, 16), tall.shape))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_damaged_bytes_are_found_or_another_image(coding, image, data):
    good = coding.encode(image, 16)
    kind = data.draw(st.sampled_from(["cut", "flip", "longer"]))
    at = data.draw(st.integers(0, len(good) - 1))
    flipped = good[:at] + bytes([good[at] ^ data.draw(st.integers(1, 255))]) + good[at + 1 :]
    bad = {"cut": good[:at], "flip": flipped, "longer": good + bytes(4 * (at + 1))}[kind]
    try:
        back = coding.decode(bad, image.shape)
    except FileError:
        return
    assert kind != "cut"
    assert back.shape == image.shape


def test_a_draft_is_taken_for_the_decoder_only_where_it_is_of_the_same_code(coding, image):
    one, other = coding.draft(image, 16), coding.draft(image[:, ::-1].copy(), 16)
    expected = coding.decode(one.data, image.shape)
    for draft in (one, other, coding.draft(image, 20)):
        assert np.array_equal(coding.decode(one.data, image.shape, draft), expected)


def test_a_draft_says_what_its_bytes_will_be(coding, image):
    for gain in (2, 16, 30):
        draft = coding.draft(image, gain)
        assert len(draft.data) == pytest.approx(draft.least, abs=40)
        assert draft.least == pytest.approx(draft.expected + 13, abs=0.01 * draft.expected + 8)
        assert draft.data == coding.encode(image, gain)
        assert np.array_equal(draft.image, coding.decode(draft.data, image.shape))


@pytest.mark.parametrize("edit", ["missing", "shape", "kind", "huge", "channels", "context"])
def test_hostile_states_are_refused(coding, edit):
    plain, arrays = coding.state()
    arrays = dict(arrays)
    name = "net.decoder.synthesis.weight"
    if edit == "missing":
        del arrays[name]
    elif edit == "shape":
        arrays[name] = arrays[name][:1]
    elif edit == "kind":
        arrays[name] = arrays[name].astype(float)
    elif edit == "huge":
        arrays[name] = arrays[name] + 2**50
    elif edit == "channels":
        plain = {**plain, "channels": 10**9}
    else:
        arrays["context.0.around"] = arrays["context.0.around"] + 2**31
    with pytest.raises(FileError):
        CODER.restore(plain, arrays)


def test_weights_that_lead_nowhere_are_found(coding, image):
    plain, arrays = coding.state()
    name = "net.decoder.log_gain"
    edited = CODER.restore(plain, {**arrays, name: np.full_like(arrays[name], 2**30)})
    with pytest.raises(FileError, match="not finite"):
        edited.encode(image)


def test_errors_say_what_to_do(coding, image):
    with pytest.raises(DataError, match=r"array \(3, H, W\) of uint8; got float64"):
        coding.encode(image.astype(float))
    with pytest.raises(ParameterError, match=r"'gain' .* must be an integer in \[0, 32\]"):
        coding.encode(image, GAINS + 1)
    with pytest.raises(DataError, match="equally many channels"):
        CODER.learn([image, image[:1]], Setting())
    for net in (Conv(), ResUNet()):
        with pytest.raises(ParameterError, match=r"Use Lapped\(\)"):
            Transform(net).learn([image], Setting())
    with pytest.raises(FileError, match="begins with its gain"):
        coding.decode(b"", image.shape)


@pytest.mark.parametrize("size", [(1, 1), (9, 14), (16, 3)])
def test_every_place_has_known_ones_around(size):
    level = levels(size)
    for at in np.argwhere(level > 0):
        reach = REACHES[level[tuple(at)] - 1]
        near = [at + reach * np.array([row, column]) for row in (-1, 0, 1) for column in (-1, 0, 1)]
        inside = [tuple(p) for p in near if (p >= 0).all() and (p < size).all()]
        known = {p for p in inside if level[p] < level[tuple(at)]}
        assert known
        around = [at + reach * np.array([i // 3 - 1, i % 3 - 1]) for i in NEAREST[level[tuple(at)] - 1]]
        assert known <= {tuple(p) for p in around}  # so no other needs to be looked at
    assert (level == LATE).mean() == pytest.approx(0.5, abs=0.51 / level.size)


@given(st.integers(1, 2000))
def test_groups_hold_all_channels(channels):
    assert sum(groups(channels)) == channels
    assert min(groups(channels)) > 0


def test_whole_numbers_say_what_the_net_says():
    torch.manual_seed(0)
    net = ContextNet(10, 6)
    for weight in net.parameters():
        torch.nn.init.normal_(weight, std=0.2)
    slopes = {f"guesses.{i}.bias": torch.randn(6) * 0.2 for i in range(len(net.guesses))}
    q = torch.randn(1, 10, 9, 13).mul(3).round()
    context, code = Context.of(net, slopes), q[0].long().numpy()
    said = np.zeros((2, *code.shape), np.int64)

    def exchange(index, middle, scale):
        said[0][index], said[1][index] = (part.reshape(code[index].shape) for part in (middle, scale))
        return code[index]

    assert np.array_equal(context.walk((9, 13), -6, exchange), code)
    with torch.no_grad():
        for i, guess in enumerate(net.guesses):
            guess.get_parameter("bias").add_(slopes[f"guesses.{i}.bias"], alpha=-6 / 8)
        middle, log_scale = (part[0].numpy() for part in net(q))
    assert np.abs(said[0] / scales.PARTS - middle).max() < 0.5 / scales.PARTS + 0.01
    inside = (log_scale > scales.LOWEST) & (log_scale < 5)
    assert inside.mean() > 0.5
    assert np.abs(scales.LOWEST + said[1] / 8 - log_scale)[inside].max() < 0.5 / 8 + 0.01


def test_bytes_are_what_the_net_says_they_cost():
    torch.manual_seed(1)
    draw = np.random.default_rng(1)
    net = ContextNet(10, 6)
    for weight in net.parameters():
        torch.nn.init.normal_(weight, std=0.2)
    context, writer = Context.of(net, {}), Writer()

    def told(index, middle, scale):
        drawn = draw.logistic(middle / scales.PARTS, np.exp(scales.LOWEST + scale / 8))  # as the net expects them
        numbers = np.rint(drawn).astype(np.int64)
        scales.put(writer, numbers, middle, scale)
        return numbers

    q = torch.from_numpy(context.walk((30, 41), 0, told))[None].float()
    with torch.no_grad():
        middle, log_scale = net(q)
    bits = -log_bin(q - middle, log_scale).sum().item() / np.log(2)
    assert bits > q.numel() / 2
    assert 8 * len(writer.bytes()) == pytest.approx(bits, rel=0.02)


def test_tables_round_alike_on_every_machine():
    for band in scales.bands():
        exact = scales.TOTAL * scales.masses(band.low, band.high, band.most)
        assert np.abs(exact - np.floor(exact) - 0.5).min() > 1e-8  # far more than machines differ by
        assert np.allclose(exact.sum(-1), scales.TOTAL)
        assert band.counts.min() >= 1
        assert band.counts.sum(-1).max() < 2**24


@given(st.lists(st.tuples(st.integers(-(2**15), 2**15), st.integers(-(2**19), 2**19), st.integers(0, 68)), min_size=1))
def test_numbers_come_back_whatever_was_expected(told):
    numbers, middle, scale = (np.array(part) for part in zip(*told, strict=True))
    numbers = numbers.clip(-scales.FARTHEST, scales.FARTHEST)
    writer = Writer()
    scales.put(writer, numbers, middle, scale)
    assert scales.take(Reader(writer.bytes()), middle, scale).tolist() == numbers.tolist()


@given(st.lists(st.integers(-2, 511), min_size=1, max_size=50), st.integers(0, 2**32 - 1))
def test_levels_come_back_however_machines_differ(halves, seed):
    draw = np.random.default_rng(seed)
    values = np.array(halves) / 2 + draw.uniform(-2e-6, 2e-6, len(halves))
    writer = Writer()
    put_edges(writer, values)
    elsewhere = values + draw.uniform(-4e-7, 4e-7, len(halves))
    expected = np.rint(values.clip(0, 255))
    assert take_levels(Reader(writer.bytes()), elsewhere).tolist() == expected.tolist()


def test_strips_change_nothing_but_last_bits():
    torch.manual_seed(0)
    net = torch.nn.Sequential(torch.nn.Conv2d(2, 3, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(3, 2, 5, padding=2))
    y = torch.randn(2, 2, 70, 90, dtype=torch.float64)
    expected = net.double()(y)
    torch.testing.assert_close(striped(net)(y), expected, rtol=0, atol=1e-12)
