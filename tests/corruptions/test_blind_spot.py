"""Blind spots: how many pixels are hidden, where, what is put there, and what counts."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from diabolo.corruptions import BlindSpot
from diabolo.errors import ParameterError
from diabolo.flow import Batch
from diabolo.model import Recipe
from diabolo.nets import MLP


def places(count, *shape):
    """Samples whose numbers are all different, so that what is put somewhere tells where it came from."""
    return torch.arange(float(math.prod(shape)), dtype=torch.float64).view(shape).repeat(count, *[1] * len(shape))


def damaged(part, x):
    seen, hidden = part.corrupt(x)
    assert hidden is not None
    assert hidden.dtype == torch.bool
    assert seen.shape == hidden.shape == x.shape
    return seen, hidden


@settings(max_examples=60, deadline=None)
@given(
    shape=st.one_of(
        st.tuples(st.integers(2, 40), st.integers(1, 3)),
        st.tuples(st.integers(1, 3), st.integers(2, 12), st.integers(1, 12)),
    ),
    share=st.floats(0.001, 1),
    radius=st.integers(1, 5),
    span=st.integers(0, 3),
)
def test_every_sample_hides_the_same_number_of_pixels_in_all_channels(shape, share, radius, span):
    part = BlindSpot(share, radius, span)
    if len(shape) == 2 and shape[0] < 2 * span + 2:
        with pytest.raises(ParameterError, match="smaller span"):
            part.check_shape(shape)
        return
    part.check_shape(shape)
    x = places(3, *shape)
    before = x.clone()
    seen, hidden = damaged(part, x)
    assert torch.equal(x, before)
    of_channels = hidden if len(shape) == 2 else hidden.movedim(1, -1)
    assert torch.equal(of_channels.any(-1), of_channels.all(-1))
    pixels = shape[0] if len(shape) == 2 else shape[1] * shape[2]
    assert set(of_channels[..., 0].flatten(1).sum(1).tolist()) == {max(1, round(share * pixels))}
    assert bool((seen != x)[hidden].all())  # never its own value
    if span == 0:
        assert torch.equal(seen != x, hidden)


def test_share_is_the_share_of_hidden_pixels_and_none_is_preferred():
    torch.manual_seed(0)
    for share, count in ((0.02, 2), (0.1, 10), (0.25, 24), (1.0, 96)):
        _, hidden = damaged(BlindSpot(share), places(4000, 1, 8, 12))
        often = hidden.double().mean(0)
        assert hidden.sum().item() == 4000 * count
        assert bool(((often - count / 96).abs() < 5 * math.sqrt(count / 96 / 4000)).all())


@pytest.mark.parametrize("radius", [1, 3])
def test_values_come_from_any_other_pixel_of_the_window_alike(radius):
    torch.manual_seed(0)
    x = places(4000, 1, 11, 11)
    seen, hidden = damaged(BlindSpot(0.1, radius), x)
    own, other = x[hidden].long(), seen[hidden].long()
    down, right = other // 11 - own // 11, other % 11 - own % 11
    assert torch.maximum(down.abs(), right.abs()).max() == radius
    middle = ((own // 11 - 5).abs() <= 5 - radius) & ((own % 11 - 5).abs() <= 5 - radius)  # their windows are whole
    side = 2 * radius + 1
    found = torch.bincount(((down + radius) * side + right + radius)[middle], minlength=side**2).double()
    assert found[side**2 // 2] == 0
    expected = middle.sum() / (side**2 - 1)
    others = torch.cat([found[: side**2 // 2], found[side**2 // 2 + 1 :]])
    assert bool(((others - expected).abs() < 5 * expected.sqrt()).all())


@pytest.mark.parametrize("span", [1, 4])
def test_span_replaces_the_row_beside_each_pixel_by_what_lies_beyond_it(span):
    torch.manual_seed(0)
    x = places(2000, 1, 7, 20)
    seen, hidden = damaged(BlindSpot(1 / 140, 2, span), x)  # one pixel each
    spot = hidden.flatten(1).double().argmax(1)
    row, column = spot // 20, spot % 20
    across = torch.arange(20)
    stretch = (across - column[:, None]).abs() <= span  # (B, W)
    expected = torch.zeros(2000, 7, 20, dtype=torch.bool)
    expected[torch.arange(2000), row] = stretch
    assert torch.equal((seen != x)[:, 0], expected)
    put = seen[:, 0][expected].long()
    home = torch.arange(2000).repeat_interleave(stretch.sum(1))
    down, right = (put // 20 - row[home]).abs(), (put % 20 - column[home]).abs()
    assert down.max() == 2
    assert right.max() == 2 + span
    assert not bool(((down == 0) & (right <= span)).any())
    assert hidden.sum().item() == 2000  # only the middle counts


def test_span_of_series_lies_along_time():
    torch.manual_seed(0)
    x = places(500, 30, 2)
    seen, hidden = damaged(BlindSpot(1 / 30, 1, span=3), x)
    at = hidden[..., 0].double().argmax(1)
    away = (torch.arange(30) - at[:, None]).abs()
    assert torch.equal(seen != x, (away <= 3)[..., None].expand_as(x))
    assert torch.equal(seen[..., 0] + 1, seen[..., 1])  # both channels come from the same step
    source = (seen[..., 0] // 2 - at[:, None]).abs()[away <= 3]
    assert source.min() == source.max() == 4  # beyond the stretch, and no farther than the radius


def test_no_correlation_along_the_row_is_left_between_what_is_seen_and_what_counts():
    torch.manual_seed(0)
    line = torch.randn(3000, 1, 6, 24, dtype=torch.float64)
    noise = (line[..., 2:] + line[..., 1:-1] + line[..., :-2]) / math.sqrt(3)  # goes on for two pixels
    tied = {}
    for span in (0, 2):
        seen, hidden = damaged(BlindSpot(1 / 132, 2, span), noise)
        beside = torch.roll(hidden, 1, -1) & (torch.arange(22) > 0)
        inside = torch.roll(beside, -1, -1)
        tied[span] = (seen[beside] * noise[inside]).mean().item()
    error = 5 / math.sqrt(3000)
    assert abs(tied[0] - 2 / 3) < error  # a neighbour tells the noise
    assert abs(tied[2]) < error


@pytest.mark.parametrize("shape", [(30,), (1,)])
def test_tables_are_refused(shape):
    with pytest.raises(ParameterError, match=r"may be BlindSpot only for series \(T, C\) and images"):
        Recipe(corruption=BlindSpot()).build(shape, 1)


@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 1), (7, 2), (2, 1, 7)])
def test_what_has_nothing_beyond_the_stretch_is_refused(shape):
    with pytest.raises(ParameterError, match="for series of 8 steps or more, or images of two rows or more"):
        BlindSpot(span=3).check_shape(shape)
    BlindSpot(span=3).check_shape((8, 1))
    BlindSpot(span=3).check_shape((1, 2, 1))


def test_only_hidden_pixels_count_in_the_distortion():
    model = Recipe(MLP(hidden=()), corruption=BlindSpot(0.25)).build((1, 4, 4), 2).double()
    x = torch.rand(3, 1, 4, 4, dtype=torch.float64)
    torch.manual_seed(2)
    output = model(Batch(x))
    torch.manual_seed(2)
    _, hidden = damaged(BlindSpot(0.25), x)
    error = 0.5 * (output.params - x).square()
    assert torch.allclose(output.distortion, 4 * (error * hidden).flatten(1).sum(1))
