import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from diabolo.data import Scaling
from diabolo.errors import DataError, FileError
from diabolo.flow import channel_axis

SHAPES = st.sampled_from([(3,), (5, 2), (2, 3, 4)])
DTYPES = st.sampled_from(["uint8", "int32", "float32", "float64"])


@st.composite
def samples(draw):
    shape, dtype = draw(SHAPES), np.dtype(draw(DTYPES))
    low = 0 if dtype.kind == "u" else -(10**6)
    elements = st.integers(low, 255 if dtype.kind == "u" else 10**6)
    x = draw(hnp.arrays(np.int64, (draw(st.integers(1, 6)), *shape), elements=elements))
    return (x / 7 if dtype.kind == "f" else x).astype(dtype)


def channels(x):
    return x.shape[channel_axis(x.shape[1:])]


@settings(deadline=None)
@given(samples(), st.sampled_from(["real", "unit"]))
def test_undo_undoes(x, domain):
    scaling = Scaling.fit(x, (domain,) * channels(x))
    largest = np.abs(x.astype(float)).max()
    back = scaling.undo(scaling.batch(scaling.tensor(x)))
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, x, rtol=0, atol=1e-6 * largest)
    back = scaling.undo(scaling.batch(scaling.tensor(x, torch.float64)))
    assert back.dtype == np.float64
    np.testing.assert_allclose(back, x, rtol=0, atol=1e-12 * largest)


@settings(deadline=None)
@given(samples())
def test_real_channels_have_mean_zero_and_deviation_one(x):
    axes = tuple(set(range(x.ndim)) - {channel_axis(x.shape[1:]) % x.ndim})
    scaling = Scaling.fit(x, ("real",) * channels(x))
    z = scaling.tensor(x, torch.float64).numpy()
    constant = np.ptp(x.astype(float), axes) == 0
    np.testing.assert_allclose(z.mean(axes), 0, atol=1e-9)
    np.testing.assert_allclose(z.std(axes), np.where(constant, 0, 1), atol=1e-9)


@settings(deadline=None)
@given(samples())
def test_unit_channels_lie_in_the_unit_interval(x):
    z = Scaling.fit(x, ("unit",) * channels(x)).batch(Scaling.fit(x, ("unit",) * channels(x)).tensor(x))
    assert z.min() >= 0
    assert z.max() <= 1


def test_moments_are_those_of_numpy_over_many_blocks(monkeypatch):
    monkeypatch.setattr("diabolo.data.moments._BLOCK", 64)
    x = np.random.default_rng(0).lognormal(size=(301, 2, 3, 5))
    scaling = Scaling.fit(x, ("real",) * 2)
    assert scaling.shift.shape == (2, 1, 1)
    np.testing.assert_allclose(scaling.shift.ravel(), x.mean((0, 2, 3)), rtol=1e-14)
    np.testing.assert_allclose(scaling.scale.ravel(), x.std((0, 2, 3)), rtol=1e-14)
    np.testing.assert_allclose(scaling.undo(scaling.tensor(x, torch.float64)), x, rtol=1e-12)


def test_a_column_far_from_zero_keeps_its_digits():
    noise = np.random.default_rng(0).standard_normal((1000, 1))
    x = 1e9 + noise
    scaling = Scaling.fit(x, ("real",))
    assert scaling.scale[0] == pytest.approx(noise.std(), rel=1e-7)  # the data themselves hold no more digits
    np.testing.assert_allclose(scaling.tensor(x)[:, 0], (noise[:, 0] - noise.mean()) / noise.std(), atol=2e-6)
    np.testing.assert_allclose(scaling.undo(scaling.tensor(x, torch.float64)), x, rtol=1e-15)
    np.testing.assert_allclose(scaling.undo(scaling.tensor(x).double()), x, rtol=0, atol=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, -1e9, 1e-300, 1e300])
@pytest.mark.parametrize("domain", ["real", "unit"])
def test_a_constant_column_gives_zero_and_comes_back_exactly(value, domain):
    x = np.full((7, 1), value)
    scaling = Scaling.fit(x, (domain,))
    if domain == "real":
        assert scaling.tensor(x).abs().max() == 0
    assert (scaling.undo(scaling.tensor(x, torch.float64)) == x).all()


def test_a_column_that_only_wavers_in_its_last_digit_is_constant():
    x = np.array([[1e9], [np.nextafter(1e9, 2e9)]])
    assert Scaling.fit(x, ("real",)).scale == [1.0]


@pytest.mark.parametrize("size", [1e-200, 1e-310, 1e150, 1e300])
def test_extreme_sizes_neither_overflow_nor_vanish(size):
    x = np.array([[-1.0], [0.5], [1.0]]) * size
    z = Scaling.fit(x, ("real",)).tensor(x)
    assert z.std(unbiased=False).item() == pytest.approx(1, rel=1e-6)


@pytest.mark.parametrize("domain", ["real", "unit", "counts"])
def test_missing_values_are_passed_over(domain):
    x = np.array([[1.0, np.nan], [3.0, np.nan], [np.nan, np.nan]])
    scaling, whole = Scaling.fit(x, (domain,) * 2), Scaling.fit(x[:2, :1], (domain,))
    assert (scaling.shift[0], scaling.scale[0]) == (whole.shift[0], whole.scale[0])
    assert (scaling.shift[1], scaling.scale[1]) == (0, 1)
    np.testing.assert_array_equal(scaling.tensor(x).isnan().numpy(), np.isnan(x))


def test_bytes_stay_bytes_and_unit_bytes_are_divided_by_255_exactly():
    x = np.arange(256, dtype=np.uint8).reshape(1, 1, 16, 16)
    scaling = Scaling.fit(x, ("unit",))
    tensor = scaling.tensor(x)
    assert tensor.dtype == torch.uint8
    assert torch.equal(scaling.batch(tensor), torch.from_numpy(x).float() / 255)
    assert torch.equal(scaling.tensor(x, torch.float64), torch.from_numpy(x).double() / 255)
    assert (np.rint(scaling.undo(scaling.batch(tensor))) == x).all()


def test_the_range_of_bytes_is_known_even_where_a_column_is_dark():
    x = np.array([[0, 200], [1, 7]], dtype=np.uint8)
    assert Scaling.fit(x, ("unit", "unit")).scale.tolist() == [255, 255]


def test_bytes_that_are_only_zero_and_one_are_left_alone():
    x = np.array([[0, 1], [1, 0]], dtype=np.uint8)
    assert torch.equal(Scaling.fit(x, ("unit", "one-hot")).batch(torch.from_numpy(x)), torch.from_numpy(x).float())


def test_unit_numbers_are_left_alone_within_the_unit_interval_and_taken_from_their_range_beyond():
    x = np.array([[0.25, -1.0], [0.75, 3.0]])
    assert Scaling.fit(x, ("unit", "unit")).tensor(x).tolist() == [[0.25, 0], [0.75, 1]]


def test_tensors_of_read_only_bytes_do_not_share_memory():
    x = np.zeros((2, 3), dtype=np.uint8)
    x.flags.writeable = False
    Scaling.fit(x, ("real",) * 3).tensor(x).fill_(9)
    assert x.max() == 0


def test_floats_pass_through_batch():
    x = torch.ones(2, 3)
    assert Scaling(np.ones(3), np.ones(3)).batch(x) is x


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_undo_of_anything_smaller_gives_float32(dtype):
    assert Scaling(np.ones(3), np.full(3, 2.0)).undo(torch.ones(2, 3, dtype=dtype)).dtype == np.float32


def test_undo_takes_a_tensor_with_a_gradient():
    assert Scaling(np.ones(1), np.full(1, 2.0)).undo(torch.ones(1, 1, requires_grad=True)).tolist() == [[3.0]]


@pytest.mark.parametrize(
    ("x", "domains", "words"),
    [
        (
            np.array([[1.0, 2.0], [1.0, -2.0]]),
            ("real", "counts"),
            "Column 1 must hold counts >= 0.*got -2.*SquaredError",
        ),
        (np.array([[[-1.0]]]), ("counts",), "Channel 0 must hold counts"),
        (np.array([[0.0], [0.5]]), ("one-hot",), r"Column 0 must hold 0 or 1 only.*\[0, 0.5\]"),
        (np.array([[0.0], [np.inf]]), ("real",), "Column 0 holds infinity"),
        (np.array([[-np.inf], [np.inf]]), ("unit",), "Column 0 holds infinity"),
        (np.array([[-1e308], [1e308]]), ("real",), "too far apart"),
        (np.zeros((0, 2)), ("real", "real"), "at least one sample"),
        (np.zeros((2, 0)), (), "at least one sample"),
    ],
)
def test_what_a_domain_does_not_allow_is_refused(x, domains, words):
    with pytest.raises(DataError, match=words):
        Scaling.fit(x, domains)


def test_arrays_round_trip():
    scaling = Scaling.fit(np.array([[1.0, 2.0], [3.0, 5.0]]), ("real", "unit"))
    again = Scaling.from_arrays(scaling.arrays())
    assert (again.shift == scaling.shift).all()
    assert (again.scale == scaling.scale).all()


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"shift": np.zeros(2)},
        {"shift": np.zeros(2), "scale": np.ones(3)},
        {"shift": np.zeros(2), "scale": np.array([1.0, 0.0])},
        {"shift": np.array([np.nan]), "scale": np.ones(1)},
        {"shift": np.zeros(1), "scale": np.array([np.inf])},
    ],
)
def test_hostile_arrays_are_refused(arrays):
    with pytest.raises(FileError, match="scaling"):
        Scaling.from_arrays(arrays)
