"""Trend and seasons say what grows and what repeats, and leave the rest to the other net."""

import pytest
import torch

from diabolo.errors import ParameterError
from diabolo.model import Recipe
from diabolo.nets import Linear, Seasonal, UNet
from diabolo.nets.seasonal import SeasonalDecoder
from diabolo.shallow import PCA, begin

STEPS = 42


def world(count=512):
    """Series that grow and repeat every seven steps, each as much as it does, with noise; and the two terms."""
    torch.manual_seed(0)
    time, week = torch.linspace(-1, 1, STEPS), torch.tensor([2.0, 1.0, 0.0, -1.0, -2.0, -1.0, 1.0])
    slope, height = torch.randn(2, count, 1)
    trend, season = slope * time, height * week.repeat(STEPS // 7)
    return (trend + season + 0.2 * torch.randn(count, STEPS))[..., None], trend[..., None], season[..., None]


def decoder_of(part, shape=(STEPS, 1), n=3):
    decoder = part.build(shape, n, n, shape)[1]
    assert isinstance(decoder, SeasonalDecoder)
    return decoder


def test_a_sum_of_trend_and_season_is_told_apart():
    x, trend, season = world()
    model = Recipe(Seasonal(Linear(), trend=1, periods=(7,))).build((STEPS, 1), 2)
    decoder = model.decoder
    assert isinstance(decoder, SeasonalDecoder)
    for weight in decoder.rest.parameters():
        weight.requires_grad_(False).zero_()  # two terms, and nothing beside them
    optimiser = torch.optim.Adam([weight for weight in model.parameters() if weight.requires_grad], 1e-2)
    for _ in range(600):
        optimiser.zero_grad()
        (decoder(model.encode(x).z) - x).square().mean().backward()
        optimiser.step()
    with torch.no_grad():
        terms = decoder.terms(model.encode(x).z)
    assert set(terms) == {"rest", "trend", "season 1"}
    for name, truth in (("trend", trend), ("season 1", season)):
        assert float((terms[name] - truth).square().mean() / truth.var()) < 0.05, name


def test_terms_sum_to_what_is_decoded_and_begin_at_nothing():
    decoder, z = decoder_of(Seasonal(periods=(5, 7))), torch.randn(4, 3)
    terms = decoder.terms(z)
    assert list(terms) == ["rest", "trend", "season 1", "season 2"]
    torch.testing.assert_close(decoder(z), decoder.rest(z))
    for each in decoder.maps.parameters():
        torch.nn.init.normal_(each)
    torch.testing.assert_close(decoder(z), sum(decoder.terms(z).values(), torch.zeros(())))


@pytest.mark.parametrize("degree", [0, 1, 3])
def test_the_degree_is_that_of_the_trend(degree):
    decoder = decoder_of(Seasonal(trend=degree))
    torch.nn.init.normal_(decoder.get_parameter("maps.0.weight"))
    changes = decoder.double().terms(torch.randn(4, 3).double())["trend"].detach().diff(degree, 1)
    assert float(changes.abs().max()) > 1e-6
    assert float(changes.diff(1, 1).abs().max()) < 1e-5


@pytest.mark.parametrize("period", [2, 7, 50])
def test_a_season_repeats_about_nothing(period):
    decoder = decoder_of(Seasonal(periods=(period,)), (100, 2))
    torch.nn.init.normal_(decoder.get_parameter("maps.1.weight"))
    season = decoder.terms(torch.randn(4, 3))["season 1"].detach()
    torch.testing.assert_close(season[:, period:], season[:, :-period])
    assert float(season[:, :period].mean(1).abs().max()) < 1e-5 < float(season.std())


def test_a_linear_rest_begins_at_the_principal_components():
    x = world()[0].double()
    model = Recipe(Seasonal(Linear(), periods=(7,))).build((STEPS, 1), 2)
    begin(PCA.fit([x], STEPS, 2), model)
    with torch.no_grad():
        assert float((model.double().reconstruct(x) - x).square().mean()) < 0.05  # the noise alone has 0.04


def test_nets_with_skips_are_refused():
    with pytest.raises(ParameterError, match="'net' of Seasonal must decode codes alone"):
        Seasonal(UNet()).build((8, 1), 2, 2, (8, 1))
