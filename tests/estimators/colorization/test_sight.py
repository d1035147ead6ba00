"""In what sizes images are looked at: as those learned from, where what is seen tells the colour, and not its grain."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from diabolo import Colorizer, Recipe, Training
from diabolo.colour import shown, to_rgb
from diabolo.errors import ParameterError
from diabolo.estimators.colorization import sight
from diabolo.estimators.colorization.sight import Sight
from diabolo.likelihoods import Chromatic
from diabolo.metrics import ab_rmse
from diabolo.nets import Local, ResUNet

NET = ResUNet((8, 16), blocks=1, fold=1, bias=True)
ORANGE, BLUE = (30.0, 50.0), (0.0, -40.0)


def waves(count=48, size=24, larger=1, seed=0):
    """Slow waves across are orange, and along blue, of any phase, (N, 3, size·larger, size·larger)."""
    draw = np.random.default_rng(seed)
    along = np.arange(size * larger) / larger
    across = draw.random((count, 1, 1, 1)) < 0.5
    phase = draw.uniform(0, 2 * np.pi, (count, 1, 1, 1))
    down, right = np.broadcast_arrays(along[:, None], along)
    wave = np.sin(2 * np.pi * np.where(across, down, right) / 6 + phase)
    light = 55 + 10 * wave + draw.uniform(-5, 5, (count, 1, 1, 1))
    ab = np.where(across, np.reshape(ORANGE, (1, 2, 1, 1)), np.reshape(BLUE, (1, 2, 1, 1)))
    lab = np.concatenate([light, np.broadcast_to(ab, (count, 2, *light.shape[2:]))], 1)
    return to_rgb(shown(torch.from_numpy(lab))).numpy()


@pytest.fixture(scope="module")
def fitted():
    training = Training(steps=80, batch_size=16, learning_rate=1e-2)
    recipe = Recipe(NET, likelihood=Chromatic())
    return Colorizer(8, recipe=recipe, training=training, random_state=0, device="cpu").fit(waves())


def with_sizes(fitted, several):
    return copy.copy(fitted).set_params(several_sizes=several)


def test_larger_images_of_the_same_get_the_same_colours(fitted):
    """Eight times as large, the net sees nothing but slopes."""
    X = waves(8, larger=8, seed=1)
    several, own = (ab_rmse(X, with_sizes(fitted, several).transform(X)) for several in (True, False))
    assert several < 0.6 * own


def test_the_size_is_that_of_most_images_and_not_of_crops():
    training = Training(steps=1, validation=0.0)
    images = [*waves(2, 200)[:, :, :150], *waves(2, 200)[:, :, :, :150], *waves(1, 60)]
    found = Colorizer(4, recipe=Recipe(NET, likelihood=Chromatic()), training=training, device="cpu").fit(images)
    assert found.side_ == 150
    assert found.shape_[1] < 30


def chessboards(count=48):
    """Of pixels: orange, and stripes of pixels are blue, which no other size shows, (N, 3, 24, 24)."""
    (y, x), board = np.indices((24, 24)), np.arange(count).reshape(-1, 1, 1, 1) % 2
    light = 50 + 12 * np.where(board, (y + x) % 2, y % 2)
    ab = np.where(board, np.reshape(ORANGE, (1, 2, 1, 1)), np.reshape(BLUE, (1, 2, 1, 1)))
    lab = np.concatenate([light, np.broadcast_to(ab, (count, 2, 24, 24))], 1)
    return to_rgb(shown(torch.from_numpy(lab))).numpy()


def test_images_held_out_decide(fitted, monkeypatch):
    found = Colorizer(8, recipe=fitted.recipe, training=fitted.training, random_state=0, device="cpu")
    assert not found.fit(chessboards()).several_sizes_
    own = found.quality_["ab rmse"]
    assert found.set_params(several_sizes=True).quality(chessboards(8))["ab rmse"] > 2 * own

    measured = Colorizer._compared

    def better_in_several(self, truth):
        facts = dict(measured(self, truth).facts)
        return SimpleNamespace(facts=facts | {"ab rmse": 1.0 if self.several_sizes_ else 2.0})

    monkeypatch.setattr(Colorizer, "_compared", better_in_several)
    found.set_params(several_sizes=None, training=fitted.training(steps=2)).fit(waves(20))
    assert found.several_sizes_
    assert found.quality_["ab rmse"] == 1.0


def test_nobody_held_out_leaves_one_look(fitted):
    alone = Colorizer(8, recipe=fitted.recipe, training=Training(steps=2, validation=0.0), device="cpu").fit(waves(4))
    assert not alone.several_sizes_
    with pytest.raises(ParameterError, match="'several_sizes' of Colorizer must be True or False"):
        with_sizes(fitted, 3).transform(waves(1))


@pytest.mark.parametrize("own", [(24, 24), (16, 11), (200, 97), (3, 200), (480, 320)])
def test_sizes_go_from_that_of_training_towards_their_own(own):
    sizes = Sight(4, 24, Local(8, 2), torch.device("cpu")).sizes(own)
    shortest, fit = [min(size) for size in sizes], min(24, min(own))
    wanted = [0.8 * fit, fit, 1.25 * fit]
    while 2 * wanted[-1] <= min(own):
        wanted.append(2 * wanted[-1])
    np.testing.assert_allclose(shortest, wanted, atol=1)
    assert max(shortest) > min(own) / 2
    for height, width in sizes:
        assert height / width == pytest.approx(own[0] / own[1], rel=0.2) or min(own) < 20
    for other in (Sight(4, 0, Local(8, 2), torch.device("cpu")), Sight(4, 24, None, torch.device("cpu"))):
        assert other.sizes(own) == [own]


def test_tiles_of_all_sizes_are_the_whole(fitted, monkeypatch):
    X = waves(1, larger=6, seed=4)[:, :, :137, :129]  # of no unit of the grid
    several, told = with_sizes(fitted, True), []
    whole = several.transform(X)
    monkeypatch.setattr(sight, "_TILE", 400)
    tiled = several.transform(X, watch=lambda done, total: told.append((done, total)))
    np.testing.assert_allclose(tiled, whole, atol=1e-5)
    assert told == [(i + 1, len(told)) for i in range(len(told))]
    assert len(told) > 9


def test_a_colour_that_is_told_everywhere_is_that_of_all_sizes():
    seen = Sight(4, 8, Local(8, 2), torch.device("cpu"))
    one = torch.tensor([0.5, -1.0]).view(1, 2, 1, 1)
    found = seen.tinted(lambda x: one.expand(len(x), 2, *x.shape[2:]), torch.full((2, 1, 33, 20), 50.0), None)
    torch.testing.assert_close(found, one.expand(2, 2, 33, 20))


def test_hints_are_seen_in_all_sizes():
    """A single pixel is found where it was, however small the image is looked at; what the net sees comes back here."""
    told = torch.zeros(3, 32, 40)
    told[:, 10, 30] = torch.tensor([2.0, -1.0, 1.0])
    seen, heard = Sight(7, 8, Local(8, 1), torch.device("cpu")), []

    def net(x):
        heard.append(x[:, 4:])
        return x[:, 4:6]

    seen.tinted(net, torch.full((1, 1, 64, 80), 50.0), [told])
    assert len(heard) > 3
    for hints in heard:
        place = hints[0, 2].nonzero()
        assert len(place) >= 1
        height, width = hints.shape[2:]
        there = [10.5 / 32 * height - 0.5, 30.5 / 40 * width - 0.5]
        np.testing.assert_allclose(place.double().mean(0), there, atol=1)
        where = hints[0, :2, place[0, 0], place[0, 1]]
        torch.testing.assert_close(where, torch.tensor([2.0, -1.0]))
