"""Landmarks: where a sample is placed, and what begins at samples."""

import pytest
import torch

from diabolo.nets import Landmarks
from diabolo.nets.landmarks import LandmarksEncoder

FEW = Landmarks(count=8)


def begun(x, part=FEW):
    encoder, decoder = part.build(tuple(x.shape[1:]), 2, 2, tuple(x.shape[1:]))
    part.begin_at(encoder, decoder, [x])
    assert isinstance(encoder, LandmarksEncoder)
    return encoder, decoder


@pytest.fixture
def blobs():
    """Four groups (80, 5), far apart."""
    return 0.02 * torch.randn(80, 5) + torch.eye(5)[:4].repeat_interleave(20, 0)


def test_a_place_lies_between_those_of_landmarks():
    encoder, _ = begun(torch.randn(50, 6))
    h, skips = encoder(100 * torch.randn(200, 6))
    places = 32 * encoder.places.detach()
    assert skips == ()
    assert bool((h <= places.amax(1) + 1e-4).all())
    assert bool((h >= places.amin(1) - 1e-4).all())


def test_a_landmark_is_where_its_place_is_when_it_is_sharp():
    x = torch.randn(8, 6)
    encoder, _ = begun(x, part=Landmarks(count=8, limit=9.0))
    with torch.no_grad():
        encoder.log_sharpness.fill_(7.0)
        assert torch.allclose(encoder(x)[0], 32 * encoder.places.T, atol=1e-2)


def test_softmax_is_that_of_the_squared_distances():
    encoder, _ = begun(torch.randn(30, 6))
    with torch.no_grad():
        x = torch.randn(4, 6)
        u = x.clamp(-1.5, 1.5) @ encoder.weight.T + encoder.bias
        near = (-encoder.log_sharpness.exp() * torch.cdist(u, encoder.landmarks).square()).softmax(1)
        assert torch.allclose(encoder(x)[0], near @ (32 * encoder.places.T), atol=1e-3)


def test_it_begins_with_a_map_of_the_samples(blobs):
    encoder, decoder = begun(blobs, part=Landmarks(count=40, neighbours=8))
    with torch.no_grad():
        h = encoder(blobs)[0]
        middles = h.view(4, 20, 2).mean(1)
        assert float((h.view(4, 20, 2) - middles[:, None]).norm(dim=2).max()) < float(torch.pdist(middles).min()) / 2
        assert torch.allclose(decoder.get_parameter("stack.steps.2.bias"), blobs.mean(0), atol=1e-5)


def test_other_samples_of_a_group_are_placed_in_it(blobs):
    encoder, _ = begun(blobs, part=Landmarks(count=40, neighbours=8))
    with torch.no_grad():
        own = encoder(blobs)[0].view(4, 20, 2).mean(1)
        other = encoder(blobs[::20] + 0.02 * torch.randn(4, 5))[0]
    assert torch.cdist(other, own).argmin(1).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_of_few_samples_each_is_several_landmarks(count):
    x = torch.randn(count, 6)
    encoder, _ = begun(x)
    assert len(encoder.landmarks.unique(dim=0)) == count
    assert bool(encoder(x)[0].isfinite().all())


def test_samples_that_are_all_alike_have_a_place():
    encoder, _ = begun(torch.zeros(20, 6))
    assert bool(encoder(torch.randn(3, 6))[0].isfinite().all())


def test_any_shape_and_samples_of_a_target_are_left_alone():
    part = Landmarks(count=4)
    encoder, decoder = part.build((1, 8, 8), 2, 2, (3, 8, 8))
    before = encoder.get_parameter("landmarks").clone()
    part.begin_at(encoder, decoder, [torch.rand(10, 3, 8, 8)])  # what is rebuilt has another shape than what is seen
    assert torch.equal(before, encoder.get_parameter("landmarks"))
    assert decoder(encoder(torch.rand(2, 1, 8, 8))[0]).shape == (2, 3, 8, 8)
