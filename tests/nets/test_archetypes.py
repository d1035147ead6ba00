"""Atoms near the data."""

from typing import Any

import numpy as np
import pytest
import torch

from diabolo import Reducer, Training, load
from diabolo.errors import DiaboloWarning, ParameterError
from diabolo.flow import Batch
from diabolo.latents import TopK
from diabolo.likelihoods import Gaussian
from diabolo.model import Recipe
from diabolo.nets.archetypes import Archetypes, ArchetypesDecoder
from diabolo.nets.atoms import Atoms


def world(count=300, seed=0):
    """Samples (count, 12), each a little away from one of thirty points."""
    points = 3 * torch.randn(30, 12, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    draw = torch.Generator().manual_seed(seed)
    which = torch.randint(30, (count,), generator=draw)
    return points[which] + 0.3 * torch.randn(count, 12, generator=draw, dtype=torch.float64)


def begun(net, x, n=40, latent=TopK(4), seed=0) -> Any:  # noqa: B008  (a part is frozen)
    torch.manual_seed(seed)
    model = Recipe(net, latent).build(tuple(x.shape[1:]), n).double()
    net.begin_at(model.encoder, model.decoder, x.split(70))
    return model


def fitted(net, seed=0, steps=150):
    x = world()
    model = begun(net, x, seed=seed)
    adam = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(steps):
        adam.zero_grad()
        model(Batch(x)).loss.backward()
        adam.step()
    return model.eval()


def atoms(model):
    made = model.decoder(torch.eye(40, dtype=torch.float64)) - model.decoder.bias
    return torch.nn.functional.normalize(made.detach(), dim=1)


def test_anchors_are_samples_of_mean_length_1():
    x, net = world(), Archetypes(anchors=50)
    decoder = begun(net, x).decoder
    assert decoder.anchors.square().sum(1).mean().item() == pytest.approx(1)
    cosines = torch.nn.functional.normalize(decoder.anchors, dim=1) @ torch.nn.functional.normalize(x, dim=1).T
    assert bool((cosines.amax(1) > 1 - 1e-12).all())
    assert len(cosines.argmax(1).unique()) == 50
    assert "anchors" in decoder.state_dict()
    assert "anchors" not in dict(decoder.named_parameters())


def test_fewer_samples_than_anchors_are_taken_more_than_once():
    decoder = begun(Archetypes(anchors=9), world(4)).decoder
    assert len(decoder.anchors.unique(dim=0)) == 4


@pytest.mark.parametrize("slack", [0.0, 0.2, 1.0])
def test_each_atom_is_a_mean_of_anchors_and_at_most_the_slack_away(slack):
    model = fitted(Archetypes(60, slack))
    weights = model.decoder.logits.softmax(1)
    away = (model.decoder.atoms() - weights @ model.decoder.anchors).norm(dim=1)
    assert away.max() <= slack + 1e-12
    assert away.max() >= 0.5 * slack  # which it uses
    torch.testing.assert_close(weights.sum(1), torch.ones(40, dtype=torch.float64))


@pytest.mark.parametrize("anchors", [1, 10, 40, 200])
def test_no_two_atoms_begin_alike_nor_far_from_an_anchor(anchors):
    decoder = begun(Archetypes(anchors), world()).decoder
    weights = decoder.logits.softmax(1)
    assert weights.amax(1).min() > 0.3
    if anchors > 1:
        assert len(weights.unique(dim=0)) == 40


def test_atoms_of_two_runs_are_more_alike_than_free_ones_and_nearer_to_samples():
    x = torch.nn.functional.normalize(world(), dim=1)
    alike, near = [], []
    for net in (Archetypes(100, 0.0), Archetypes(100, 0.3), Atoms()):
        one, other = atoms(fitted(net)), atoms(fitted(net, seed=1))
        alike.append((one @ other.T).amax(1).mean().item())
        near.append((one @ x.T).amax(1).mean().item())
    assert alike[0] > alike[1] > alike[2] + 0.05
    assert near[0] > near[1] > near[2] + 0.05


def test_the_sparse_way_gives_the_loss_and_gradient_of_the_dense_one():
    model, x = begun(Archetypes(25, 0.2), world()), world(20, seed=1)
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.3 * torch.randn_like(weight)
    output = model(Batch(x))
    assert output.code.z.is_sparse
    decoder, encoder = model.decoder, model.encoder
    exponents = decoder.logits.exp()
    length = decoder.moved.norm(dim=1, keepdim=True)
    moved = torch.where(length > 0.2, 0.2 * decoder.moved / length, decoder.moved)
    made = exponents / exponents.sum(1, keepdim=True) @ decoder.anchors + moved
    values, places = (x @ encoder.weight.T + encoder.bias).topk(4, 1)
    z = torch.zeros(20, 40, dtype=torch.float64).scatter(1, places, values)
    wanted = 0.5 * (x - z @ made - decoder.bias).square().sum(1).mean()
    torch.testing.assert_close(output.loss, wanted)
    weights = dict(model.named_parameters())
    pairs = zip(
        weights, *(torch.autograd.grad(each, list(weights.values())) for each in (output.loss, wanted)), strict=True
    )
    for name, one, other in pairs:
        assert other.abs().max() > 1e-6, name
        torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10, msg=name)


def test_without_slack_there_is_nothing_to_move():
    _, decoder = Archetypes(slack=0.0).build((5,), 3, 3, (5,))
    assert isinstance(decoder, ArchetypesDecoder)
    assert sorted(name for name, _ in decoder.named_parameters()) == ["bias", "logits"]


def test_estimators_tell_it_of_their_samples(tmp_path):
    x = world().float().numpy()
    reducer = Reducer(6, recipe=Recipe(Archetypes(20), TopK(2)), training=Training(epochs=2), random_state=0)
    with pytest.warns(DiaboloWarning, match="not better than PCA"):  # two entries of six, after two epochs
        reducer.fit(x)
    scaled = torch.from_numpy((x - x.mean(0)) / x.std(0))
    cosines = (
        torch.nn.functional.normalize(reducer.model_.get_buffer("decoder.anchors"), dim=1)
        @ torch.nn.functional.normalize(scaled, dim=1).T
    )
    assert cosines.amax(1).min() > 0.999
    reducer.save(tmp_path / "m")
    twin = load(tmp_path / "m", "cpu")
    assert torch.equal(twin.model_.get_buffer("decoder.anchors"), reducer.model_.get_buffer("decoder.anchors"))
    z = np.eye(6, dtype=np.float32)
    np.testing.assert_array_equal(twin.inverse_transform(z), reducer.inverse_transform(z))


def test_images_and_other_targets():
    net = Archetypes(anchors=5)
    encoder, decoder = net.build((2, 3, 4), 8, 8, (7,))
    targets = torch.randn(20, 7)
    net.begin_at(encoder, decoder, [targets])
    assert decoder(encoder(torch.randn(6, 2, 3, 4))[0]).shape == (6, 7)


def test_a_likelihood_that_takes_more_than_a_mean_is_refused():
    net = Archetypes()
    model = Recipe(net, likelihood=Gaussian()).build((5,), 3)
    with pytest.raises(ParameterError, match=r"'likelihood' must take a mean and no more .*: 5 numbers; got one of 10"):
        net.begin_at(model.encoder, model.decoder, [torch.randn(9, 5)])


@pytest.mark.parametrize("knobs", [{"anchors": 0}, {"slack": -0.1}], ids=str)
def test_knobs_out_of_range_are_refused(knobs):
    (name,) = knobs
    with pytest.raises(ParameterError, match=f"{name!r} of Archetypes must be"):
        Recipe(Archetypes(**knobs)).build((5,), 2)
