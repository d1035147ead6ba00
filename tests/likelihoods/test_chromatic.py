"""Bins of the a-b plane: colours are shared out to the nearest, and come back by way of probabilities."""

import pytest
import torch

from diabolo.colour import CHROMA, to_lab
from diabolo.errors import ParameterError
from diabolo.likelihoods import Chromatic


def colours(count=50, seed=0):
    """Random a and b that sRGB has, as images (count, 2, 3, 4)."""
    rgb = torch.rand(count, 3, 3, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return to_lab(rgb)[:, 1:] / CHROMA


def logits(likelihood, target, certainty=1.0):
    return certainty * likelihood.shares(target).clamp_min(1e-12).log()


@pytest.mark.parametrize("grid", [10, 16, 24])
def test_bins_lie_on_a_grid_and_cover_what_can_be_shown(grid):
    bins = Chromatic(float(grid)).bins
    assert torch.equal(bins, (bins / grid).round() * grid)
    assert len(torch.unique(bins, dim=0)) == len(bins)
    ab = CHROMA * colours(500).movedim(1, -1).reshape(-1, 2).float()
    assert torch.cdist(ab, bins).amin(1).max() <= grid / 2**0.5 + 1e-3


def test_tables_hold_numbers_wherever_they_are_made_first():
    grid = 13.25  # of no other test
    with torch.device("meta"), torch.inference_mode():
        assert Chromatic(grid).shape((2, 4, 4))[0] == len(Chromatic(grid).bins)
    assert Chromatic(grid).bins.device.type == "cpu"
    assert not Chromatic(grid).bins.is_inference()


def test_coarser_bins_are_fewer():
    counts = [len(Chromatic(grid).bins) for grid in (8.0, 10.0, 16.0, 24.0)]
    assert counts == sorted(counts, reverse=True)
    assert 240 < counts[1] < 320  # Zhang et al. have 313


@pytest.mark.parametrize("nearest", [1, 5, 9])
def test_a_colour_is_shared_out_to_its_nearest_bins(nearest):
    likelihood, target = Chromatic(nearest=nearest), colours()
    shares = likelihood.shares(target)
    assert shares.shape == (50, len(likelihood.bins), 3, 4)
    torch.testing.assert_close(shares.sum(1), torch.ones(50, 3, 4, dtype=torch.float64))
    assert ((shares > 0).sum(1) == nearest).all()
    away = torch.cdist(CHROMA * target.movedim(1, -1), likelihood.bins.double())  # (B, H, W, Q)
    best = away.gather(-1, shares.argmax(1).unsqueeze(-1)).squeeze(-1)
    assert (best - away.amin(-1)).max() < 1.5  # the nearest are those of the nearest whole a and b


def test_the_shares_are_the_best_that_can_be_told():
    likelihood, target = Chromatic(), colours()
    best = likelihood.distortion(logits(likelihood, target), target).sum()
    for certainty in (0.8, 1.2):
        assert likelihood.distortion(logits(likelihood, target, certainty), target).sum() > best + 1


def test_it_costs_the_entropy_of_alike_probabilities_where_nothing_is_told():
    likelihood, target = Chromatic(), colours()
    each = likelihood.distortion(torch.zeros(50, *likelihood.shape((2, 3, 4)), dtype=torch.float64), target)
    assert each.shape == target.shape
    torch.testing.assert_close(each.sum(1), torch.full((50, 3, 4), len(likelihood.bins), dtype=torch.float64).log())


def test_colours_come_back():
    target = colours()
    for grid, near in ((8.0, 0.15), (16.0, 0.3)):
        likelihood = Chromatic(grid, temperature=1.0)
        assert (likelihood.mean(logits(likelihood, target)) - target).abs().mean() < near


def test_temperature_goes_from_the_mean_to_the_most_probable():
    torch.manual_seed(0)
    params = torch.randn(8, 109, 5, 5)
    params[:, 3] += 4.0
    means = [Chromatic(temperature=t).mean(params) for t in (1.0, 0.5, 0.1, 0.0)]
    chroma = [mean.norm(dim=1).mean() for mean in means]
    assert chroma == sorted(chroma)  # the lower, the more colourful
    probable = Chromatic().bins[params.argmax(1)].movedim(-1, 1) / CHROMA
    torch.testing.assert_close(means[-1], probable)
    torch.testing.assert_close(Chromatic(temperature=0.01).mean(params * 100), probable)
    expected = torch.einsum("bqhw,qc->bchw", params.softmax(1), Chromatic().bins) / CHROMA
    torch.testing.assert_close(means[0], expected)


def test_draws_are_distributed_as_told():
    torch.manual_seed(0)
    params = torch.randn(1, 109, 1, 1).expand(-1, -1, 100, 100)
    drawn = Chromatic().sample(params)
    torch.testing.assert_close(
        drawn.mean((2, 3)), Chromatic(temperature=1.0).mean(params).mean((2, 3)), rtol=0, atol=0.1
    )


def test_balance_prefers_what_is_rare():
    target = torch.cat([colours(20), torch.full((100, 2, 3, 4), 0.1, dtype=torch.float64)])
    counts = Chromatic().counts(target)
    assert counts.sum() == pytest.approx(120 * 12)
    likelihood = Chromatic(temperature=1.0).seen(counts)
    assert sum(likelihood.frequencies) == pytest.approx(1, abs=1e-4)
    params = logits(likelihood, target, 0.2)
    chroma = [likelihood(balance=b).mean(params).norm(dim=1).mean() for b in (0.0, 0.1, 0.5, 0.9)]
    assert chroma == sorted(chroma)
    assert chroma[-1] > 2 * chroma[0]
    torch.testing.assert_close(
        Chromatic(temperature=1.0, balance=0.5).mean(params), likelihood(balance=0.0).mean(params)
    )


def test_full_balance_undoes_the_frequencies():
    counts = torch.rand(109, generator=torch.Generator().manual_seed(0)) + 0.1
    told = counts.log().view(1, 109, 1, 1).double()  # nothing but how frequent colours are
    likelihood = Chromatic(temperature=1.0).seen(counts)
    alike = likelihood(balance=0.0).mean(torch.zeros(1, 109, 1, 1).double())
    torch.testing.assert_close(likelihood(balance=1.0).mean(told), alike, rtol=0, atol=1e-4)
    assert (likelihood(balance=0.0).mean(told) - alike).abs().max() > 0.01
    torch.manual_seed(0)
    drawn = likelihood(balance=1.0).sample(told.expand(1, 109, 100, 100))
    torch.testing.assert_close(drawn.mean((2, 3)), alike[..., 0, 0], rtol=0, atol=0.1)


def test_temperature_and_balance_leave_the_distortion_alone():
    target, params = colours(), torch.randn(50, 109, 3, 4, dtype=torch.float64)
    other = Chromatic(temperature=1.0, balance=0.5).seen(torch.rand(109))
    torch.testing.assert_close(other.distortion(params, target), Chromatic().distortion(params, target))


def test_of_several_colours_each_counts_for_itself():
    likelihood, target = Chromatic(), colours()[:, :, :, 0]  # (50, 2, 3)
    rows = target.flatten(1)  # all a, then all b
    params = torch.randn(50, *likelihood.shape((6,)), dtype=torch.float64)
    assert params.shape == (50, 3 * 109)
    by_hand = likelihood.distortion(params.view(50, 109, 3, 1), target.unsqueeze(-1))
    torch.testing.assert_close(likelihood.distortion(params, rows), by_hand.flatten(1))
    torch.testing.assert_close(likelihood.mean(params), likelihood.mean(params.view(50, 109, 3, 1)).flatten(1))


def test_hostile_shapes_and_frequencies_are_refused():
    with pytest.raises(ParameterError, match="two channels a and b; got 3 channels"):
        Chromatic().shape((3, 8, 8))
    with pytest.raises(ParameterError, match=r"'frequencies' of Chromatic must be \(\) or hold 109 shares"):
        Chromatic(frequencies=(1.0,)).shape((2, 8, 8))


def test_colours_beyond_the_grid_are_of_its_edge():
    far = torch.tensor([50.0, -50.0]).view(1, 2, 1, 1)
    likelihood = Chromatic(temperature=1.0)
    assert likelihood.distortion(torch.zeros(1, 109, 1, 1), far).isfinite().all()
    assert likelihood.mean(logits(likelihood, far)).abs().max() < 128 / CHROMA
