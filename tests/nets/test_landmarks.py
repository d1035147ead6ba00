"""Landmarks: where a sample is placed, what it is rebuilt as, and what both begin with."""

import pytest
import torch

from diabolo.neighbours import middle
from diabolo.nets import Landmarks
from diabolo.nets.landmarks import LandmarksDecoder, LandmarksEncoder

FEW = Landmarks(count=8)


def begun(x, part=FEW, n=2):
    encoder, decoder = part.build(tuple(x.shape[1:]), n, n, tuple(x.shape[1:]))
    part.begin_at(encoder, decoder, [x])
    assert isinstance(encoder, LandmarksEncoder)
    assert isinstance(decoder, LandmarksDecoder)
    return encoder, decoder


@pytest.fixture
def blobs():
    """Four groups (80, 5), far apart."""
    return 0.02 * torch.randn(80, 5) + torch.eye(5)[:4].repeat_interleave(20, 0)


def test_a_place_lies_between_those_of_landmarks():
    encoder, _ = begun(torch.randn(50, 6))
    h, skips = encoder(100 * torch.randn(200, 6))
    places = encoder.placed()
    assert skips == ()
    assert bool((h <= places.amax(0) + 1e-4).all())
    assert bool((h >= places.amin(0) - 1e-4).all())


def test_a_sample_that_is_a_landmark_lies_at_its_place():
    x = torch.randn(8, 6)
    encoder, _ = begun(x, part=Landmarks(count=8, limit=9.0))
    with torch.no_grad():
        assert torch.allclose(encoder(x)[0], encoder.placed(), atol=1e-2)


def test_the_nearest_landmarks_count_by_the_eighth_power_of_their_distances():
    encoder, _ = begun(torch.randn(60, 6), part=Landmarks(count=20, near=4))
    x = torch.randn(7, 6)
    with torch.no_grad():
        u = x.clamp(-1.5, 1.5) @ encoder.weight.T + encoder.bias
        distances, which = torch.cdist(u, encoder.landmarks).topk(4, largest=False)
        wanted = middle(encoder.placed()[which], (distances[:, :1] / distances) ** 8)
        assert torch.allclose(encoder(x)[0], wanted, atol=1e-2)


def test_a_landmark_is_the_mean_of_the_samples_in_a_cell():
    x = torch.randn(90, 6)
    encoder, decoder = begun(x, part=Landmarks(count=12, limit=9.0))
    with torch.no_grad():
        u = x @ encoder.weight.T + encoder.bias
        means = decoder.stands_for()[: len(encoder.placed())]
        assert torch.allclose(means @ encoder.weight.T + encoder.bias, encoder.landmarks[: len(means)], atol=1e-4)
        assert float((u.mean(0) - encoder.bias - x.mean(0) @ encoder.weight.T).abs().max()) < 1e-4
        assert torch.equal(decoder.places[: len(means)], encoder.placed())


def test_a_code_is_rebuilt_from_the_nearest_places_by_inverse_squares():
    _, decoder = begun(torch.randn(60, 6), part=Landmarks(count=20, near=3))
    z = 3 * torch.randn(9, 2)
    with torch.no_grad():
        squares, which = torch.cdist(z, decoder.places).square().topk(3, largest=False)
        share = (1 / squares) / (1 / squares).sum(1, keepdim=True)
        wanted = (share[:, :, None] * decoder.stands_for()[which]).sum(1)
        assert torch.allclose(decoder(z), wanted, atol=1e-3)


@pytest.mark.parametrize("near", [1, 2, 7])
def test_near_is_how_many_of_them_tell_where_a_sample_lies(near):
    encoder, _ = Landmarks(count=30, near=near).build((6,), 2, 2, (6,))
    x = torch.randn(1, 6)
    encoder(x)[0].sum().backward()
    moved = encoder.get_parameter("places").grad
    assert moved is not None
    assert int((moved.view(30, 2)[:, 0] != 0).sum()) == near


def test_it_begins_with_a_map_of_the_samples(blobs):
    encoder, decoder = begun(blobs, part=Landmarks(count=40, neighbours=8))
    with torch.no_grad():
        h = encoder(blobs)[0]
        nearest = (torch.cdist(h, h) + torch.diag(torch.full((80,), torch.inf))).argmin(1)
        assert torch.equal(nearest // 20, torch.arange(80) // 20)
        assert float((decoder(h) - blobs).square().mean()) < 1e-3


def test_other_samples_of_a_group_are_placed_in_it(blobs):
    encoder, _ = begun(blobs, part=Landmarks(count=40, neighbours=8))
    with torch.no_grad():
        own = encoder(blobs)[0]
        other = encoder(blobs[::20] + 0.02 * torch.randn(4, 5))[0]
    assert (torch.cdist(other, own).argmin(1) // 20).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_of_few_samples_each_is_a_landmark_and_there_are_no_others(count):
    x = torch.randn(count, 6)
    encoder, decoder = begun(x, part=Landmarks(count=8, limit=9.0))
    assert len(encoder.placed()) == count
    assert torch.allclose(encoder(x)[0], encoder.placed(), atol=0.05)
    assert torch.allclose(decoder(encoder.placed()), x, atol=1e-3)


def test_samples_that_are_all_alike_have_a_place():
    encoder, decoder = begun(torch.zeros(20, 6))
    h = encoder(torch.randn(3, 6))[0]
    assert bool(h.isfinite().all())
    assert bool(decoder(h).isfinite().all())


def test_a_map_stays_as_it_is_and_what_landmarks_stand_for_learns(blobs):
    encoder, decoder = begun(blobs)
    learns = {name for module in (encoder, decoder) for name, p in module.named_parameters() if p.requires_grad}
    assert learns == {"params"}
    decoder(encoder(blobs)[0]).sum().backward()
    assert decoder.params.grad is not None


def test_any_shape_and_samples_of_a_target_are_left_alone():
    part = Landmarks(count=4)
    encoder, decoder = part.build((1, 8, 8), 2, 2, (3, 8, 8))
    before = encoder.get_buffer("landmarks").clone()
    part.begin_at(encoder, decoder, [torch.rand(10, 3, 8, 8)])  # what is rebuilt has another shape than what is seen
    assert torch.equal(before, encoder.get_buffer("landmarks"))
    assert encoder.get_parameter("places").requires_grad
    assert decoder(encoder(torch.rand(2, 1, 8, 8))[0]).shape == (2, 3, 8, 8)


def test_params_of_another_number_are_learnt_from_nothing(blobs):
    part = Landmarks(count=10)
    encoder, decoder = part.build((5,), 2, 2, (10,))
    before = decoder.get_parameter("params").clone()
    part.begin_at(encoder, decoder, [blobs])
    assert torch.equal(before, decoder.get_parameter("params"))
    assert isinstance(encoder, LandmarksEncoder)
    assert torch.equal(decoder.get_buffer("places")[: len(encoder.placed())], encoder.placed())
    assert decoder(encoder(blobs)[0]).shape == (80, 10)
