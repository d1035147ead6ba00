"""A model that is told a condition: encoder, decoder, penalties and training hear of it, and nothing else changes."""

import pytest
import torch

from diabolo.conditioning import Conditioner
from diabolo.errors import DataError, FileError, ParameterError
from diabolo.flow import Batch, total
from diabolo.latents import Gaussian
from diabolo.likelihoods import Bernoulli
from diabolo.model import Recipe
from diabolo.nets import MLP, Conv, Linear, Principal, Recurrent, UNet
from diabolo.penalties import MMD, Contractive, Orthogonal
from diabolo.training import Rows, Training, train
from diabolo.training.gradient import gradient_of, stacks_of

SMALL = MLP((8,))


def built(recipe, shape=(6,), n=3, condition=2, seed=0):
    torch.manual_seed(seed)
    model = recipe.build(shape, n, condition)
    if model.conditioner.map is not None:
        torch.nn.init.normal_(model.conditioner.map.weight)
    return model.eval()


def test_without_a_condition_there_is_nothing_to_tell():
    torch.manual_seed(0)
    model = Recipe(SMALL).build((6,), 3)
    assert not any(name.startswith("conditioner") for name in model.state_dict())
    x = torch.rand(4, 6)
    torch.testing.assert_close(model.encode(x).z, model.encoder(x)[0])


def test_the_encoder_is_told_by_a_matrix_and_the_decoder_beside_the_code():
    model, x, c = built(Recipe(SMALL)), torch.rand(4, 6), torch.rand(4, 2)
    h = model.encoder(x)[0] + c @ model.get_parameter("conditioner.map.weight").T
    torch.testing.assert_close(model.encode(x, c).z, h)
    torch.testing.assert_close(model.decode(h, c), model.decoder(torch.cat([h, c], 1)))
    torch.testing.assert_close(model.reconstruct(x, c), model.decode(h, c))


def test_each_draw_has_the_condition_of_its_sample():
    model, x, c = built(Recipe(SMALL, Gaussian(samples=3))), torch.rand(4, 6), torch.rand(4, 2)
    output = model(Batch(x, condition=c))
    for k in range(3):
        own = slice(4 * k, 4 * k + 4)
        torch.testing.assert_close(output.params[own], model.decode(output.code.z[own], c))


@pytest.mark.parametrize(
    "net, shape", [(SMALL, (6,)), (Linear(), (6,)), (Conv((4,)), (1, 6, 6)), (Recurrent(), (5, 2))]
)
def test_every_net_takes_a_condition(net, shape):
    model, x, c = built(Recipe(net, Gaussian()), shape), torch.rand(4, *shape), torch.eye(4)[:, :2]
    assert model.sample(4, c).shape == x.shape
    told, other = model(Batch(x, condition=c), noise=False), model(Batch(x, condition=c + 1), noise=False)
    assert not torch.allclose(told.params, other.params)


def test_skips_and_a_condition_go_together():
    model, x = built(Recipe(UNet((4,)), Gaussian(samples=2)), (8, 2)), torch.rand(3, 8, 2)
    assert model(Batch(x, condition=torch.rand(3, 2))).params.shape == (6, 8, 2)


@pytest.mark.parametrize(
    "condition", [None, torch.rand(4, 3), torch.rand(3, 2), torch.rand(4)], ids=["none", "wide", "short", "flat"]
)
def test_a_condition_of_another_shape_is_refused(condition):
    model, x = built(Recipe(SMALL, Gaussian())), torch.rand(4, 6)
    for call in (
        lambda: model(Batch(x, condition=condition)),
        lambda: model.encode(x, condition),
        lambda: model.decode(torch.rand(4, 3), condition),
        lambda: model.sample(4, condition),
    ):
        with pytest.raises(DataError, match=r"condition for this model must be a tensor of shape \(4, 2\); got"):
            call()


def test_a_condition_that_is_not_wanted_is_refused():
    model = Recipe(SMALL).build((6,), 3)
    with pytest.raises(DataError, match=r"must be None, as it was built without one; got one of shape \(4, 2\)"):
        model.encode(torch.rand(4, 6), torch.rand(4, 2))
    with pytest.raises(ParameterError, match="'condition' of the recipe must be an integer"):
        Recipe().build((6,), 3, -1)


def test_tied_weights_and_a_condition_exclude_each_other():
    with pytest.raises(ParameterError, match="'tied' of Linear must be False"):
        Recipe(Linear(tied=True)).build((6,), 3, 2)


def test_penalties_look_at_the_model_with_the_condition_of_the_batch():
    recipe = Recipe(SMALL, Gaussian(), penalties=(Contractive(1.0), Orthogonal(), MMD()))
    model, x, c = built(recipe), torch.rand(5, 6), torch.rand(5, 2)
    torch.manual_seed(1)
    output = model(Batch(x, condition=c), noise=False)
    assert set(output.penalties) == {"contractive", "orthogonal", "mmd"}
    slopes = torch.func.jacrev(lambda x: model.encode(x, c).mean)(x)  # (B, n, B, D)
    exact = torch.stack([slopes[b, :, b].square().sum() for b in range(5)])
    found = torch.stack([model(Batch(x, condition=c), noise=False).penalties["contractive"] for _ in range(400)])
    torch.testing.assert_close(found.mean(0), exact, rtol=0.3, atol=0.0)


def test_the_closed_form_leaves_a_condition_to_autograd():
    model = built(Recipe(SMALL, Gaussian())).train()
    weights = list(model.parameters())
    assert stacks_of(model, weights) is None
    batch = Batch(torch.rand(7, 6), condition=torch.rand(7, 2))
    torch.manual_seed(1)
    terms, gradient = gradient_of(model, weights)(batch)
    torch.manual_seed(1)
    reference = torch.autograd.grad(total(model(batch).terms()), weights)
    assert set(terms) == {"distortion", "rate"}
    for found, wanted in zip(gradient, reference, strict=True):
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("net", [SMALL, Linear()], ids=str)
def test_a_model_that_begins_at_pca_does_so_for_every_condition(net):
    torch.manual_seed(0)
    model, x = Recipe(net).build((6,), 3, 2), torch.randn(50, 6)
    axes = torch.linalg.qr(torch.randn(6, 3).double())[0].T
    net.begin(model.encoder, model.decoder, Principal(torch.zeros(6).double(), axes, 1.0))
    expected = (x.double() @ axes.T @ axes).float()
    torch.testing.assert_close(model.reconstruct(x, torch.randn(50, 2)), expected, rtol=1e-4, atol=1e-5)


def test_rows_come_with_their_condition():
    x = torch.arange(20.0).reshape(10, 2)
    rows = Rows(x, lambda x: x, torch.tensor([1, 3, 4, 7, 9]), condition=x[:, :1] * 10)
    batches = list(rows.epoch(2, seed=0))
    assert sum(len(batch.x) for batch in batches) == 5
    for batch in batches:
        assert batch.condition is not None
        torch.testing.assert_close(batch.condition, batch.x[:, :1] * 10)
    assert next(Rows(x, lambda x: x).epoch(2, None)).condition is None


def test_what_is_told_is_learned(tmp_path):
    """The label decides which pixels are on, the code has no room for it: told, the model is right about all."""
    torch.manual_seed(0)
    label = torch.randint(0, 4, (400,))
    c = torch.eye(4)[label]
    x = torch.cat([c, 1 - c], 1)
    model = Recipe(MLP((16,)), Gaussian(beta=5.0), Bernoulli()).build((8,), 1, 4)
    checkpoint = tmp_path / "run"
    training = Training(steps=300, batch_size=100)
    train(model, Rows(x, lambda x: x, condition=c), None, training, checkpoint=checkpoint)
    new = model.sample(8, torch.eye(4)[[0, 1, 2, 3] * 2])
    assert torch.equal(new[:, :4].argmax(1), torch.tensor([0, 1, 2, 3] * 2))
    torch.manual_seed(0)
    other = Recipe(MLP((16,)), Gaussian(beta=5.0), Bernoulli()).build((8,), 1, 4)
    with pytest.raises(FileError, match="checkpoint of another run"):
        train(other, Rows(x, lambda x: x, condition=c.flip(1)), None, training, checkpoint=checkpoint)


def test_a_conditioner_is_silent_until_it_is_trained():
    h = torch.rand(3, 5)
    assert torch.equal(Conditioner(2, 5).into(h, torch.rand(3, 2)), h)
