import pytest
import torch

from diabolo.flow import Batch
from diabolo.training.crops import SYMMETRIES, Crops


def numbered(*size):
    """An image whose pixels tell where they lie."""
    rows, columns = torch.meshgrid(*map(torch.arange, size), indexing="ij")
    return torch.stack([rows, columns])


def crops_of(samples, side, **knobs):
    found = []
    list(Crops.of(samples, side, lambda x: found.append(x) or Batch(x.float()), **knobs).epoch(4, seed=0))
    return torch.cat(found)


def test_crops_are_squares_of_the_images():
    crops = crops_of([numbered(9, 7), numbered(5, 12)], 4, count=200)
    assert crops.shape == (200, 2, 4, 4)
    assert (crops[:, 0].diff(dim=1) == 1).all()
    assert (crops[:, 1].diff(dim=2) == 1).all()
    corners = crops[:, :, -1, -1]
    assert corners[:, 0].max() == 8  # the last places are reached
    assert corners[:, 1].max() == 11
    assert crops.min() == 0


def test_stretches_of_series_keep_their_channels():
    series = [torch.arange(30).view(10, 3), torch.arange(300, 345).view(15, 3)]
    crops = crops_of(series, 4, count=50)
    assert crops.shape == (50, 4, 3)
    assert (crops.diff(dim=1) == 3).all()
    assert (crops.diff(dim=2) == 1).all()


def test_large_images_give_more():
    crops = crops_of([torch.zeros(1, 10, 10), torch.ones(1, 20, 20)], 2, count=2000)
    assert crops[:, 0, 0, 0].mean() == pytest.approx(0.8, abs=0.04)


def test_a_side_beyond_the_smallest_image_takes_what_there_is():
    assert crops_of([numbered(9, 3), numbered(5, 12)], 64, count=3).shape == (3, 2, 5, 3)


@pytest.mark.parametrize("turns", SYMMETRIES)
def test_turns_are_the_positions_of_a_square(turns):
    image = torch.arange(4).view(1, 2, 2)
    seen = {tuple(crop.flatten().tolist()) for crop in crops_of([image], 2, count=400, turns=turns)}
    assert len(seen) == turns
    assert (0, 1, 2, 3) in seen
    assert turns < 2 or (1, 0, 3, 2) in seen


def test_what_is_oblong_is_not_turned_on_its_side():
    assert crops_of([numbered(5, 3)], 5, count=64, turns=8).shape == (64, 2, 5, 3)


def test_epochs_differ_by_their_seed_alone():
    crops = Crops.of([numbered(30, 30)], 4, Batch, count=8)
    one, same, other, judged, again = (
        torch.cat([batch.x for batch in crops.epoch(4, seed)]) for seed in (1, 1, 2, None, None)
    )
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(judged, again)
