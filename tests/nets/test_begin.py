"""Where a net has a linear path, training starts at PCA, with any likelihood whose params begin with the mean."""

import numpy as np
import pytest
import torch
from sklearn import decomposition

from diabolo.flow import Batch
from diabolo.latents import Gaussian
from diabolo.likelihoods import Auto, Bernoulli, Clipped, Laplace, SquaredError
from diabolo.likelihoods import Gaussian as Normal
from diabolo.model import Recipe
from diabolo.nets import MLP, Conv, Linear, Recurrent, Transformer, UNet
from diabolo.shallow import PCA, begin

SHAPES = [(10,), (6, 2), (2, 3, 4)]
LIKELIHOODS = [SquaredError(), SquaredError(0.3), Laplace(), Normal(), Clipped((-0.5,), (0.8,)), Auto()]
FREE = [
    Linear(),
    MLP((8,)),
    MLP(activation="sigmoid", norm="none"),
    MLP((8, 8), "relu", residual=True),
    MLP(()),
]
TIED = [
    Linear(tied=True),
    MLP((8,), tied=True),
    MLP((9, 7), "softplus", "none", tied=True),
    MLP((8,), "sigmoid", "layer", tied=True),
    MLP((), tied=True),
]
some_shapes = pytest.mark.parametrize("shape", SHAPES, ids=str)


def world(shape, count=80):
    """Return samples in float64 with a falling spectrum, away from the origin."""
    torch.manual_seed(0)
    width = int(np.prod(shape))
    rows = torch.randn(count, width, dtype=torch.float64) * torch.linspace(2, 0.1, width, dtype=torch.float64)
    return (rows @ torch.linalg.qr(torch.randn(width, width, dtype=torch.float64))[0] + 0.3).reshape(count, *shape)


def begun(recipe, x, n):
    """Return a model that was begun, and the PCA it was begun with."""
    torch.manual_seed(1)
    model = recipe.build(tuple(x.shape[1:]), n)
    pca = PCA.fit([x], x[0].numel(), n)
    begin(pca, model)
    return model, pca


def rebuilt(x, n):
    """Return what scikit-learn's PCA makes of x, and the root mean square of its codes."""
    flat = x.flatten(1).numpy()
    reference = decomposition.PCA(min(n, flat.shape[1])).fit(flat)
    codes = reference.transform(flat)
    values = torch.from_numpy(reference.inverse_transform(codes)).reshape(x.shape)
    return values, float(np.sqrt((codes**2).mean()))


@some_shapes
@pytest.mark.parametrize("n", [1, 3, 40], ids="n={}".format)
@pytest.mark.parametrize("likelihood", LIKELIHOODS, ids=repr)
@pytest.mark.parametrize("net", FREE, ids=repr)
def test_the_reconstruction_is_that_of_pca(net, likelihood, n, shape):
    x = world(shape)
    model, _ = begun(Recipe(net, likelihood=likelihood), x, n)
    expected = rebuilt(x, n)[0]
    if isinstance(likelihood, Clipped):
        assert ((expected < -0.5) | (expected > 0.8)).any()
        expected = expected.clamp(-0.5, 0.8)
    torch.testing.assert_close(model.reconstruct(x.float()).double(), expected, rtol=0, atol=1e-5)


@some_shapes
@pytest.mark.parametrize("n", [1, 3, 40], ids="n={}".format)
@pytest.mark.parametrize("likelihood", [SquaredError(), Clipped((-9.0,), (9.0,))], ids=repr)
@pytest.mark.parametrize("net", TIED, ids=repr)
def test_so_is_that_of_tied_weights(net, likelihood, n, shape):
    x = world(shape)
    model, _ = begun(Recipe(net, likelihood=likelihood), x, n)
    torch.testing.assert_close(model.reconstruct(x.float()).double(), rebuilt(x, n)[0], rtol=0, atol=1e-5)


@some_shapes
@pytest.mark.parametrize("likelihood", [SquaredError(), Normal()], ids=repr)
@pytest.mark.parametrize("net", FREE, ids=repr)
def test_a_variational_code_begins_at_the_principal_components(net, likelihood, shape):
    x = world(shape)
    model, pca = begun(Recipe(net, Gaussian(), likelihood), x, 3)
    expected, spread = rebuilt(x, 3)
    code = model.encode(x.float())
    unit = 1.0 if isinstance(net, Linear) else spread
    torch.testing.assert_close(code.mean.double(), pca.encode(x).z / unit, rtol=0, atol=1e-5)
    torch.testing.assert_close(model.reconstruct(x.float()).double(), expected, rtol=0, atol=1e-5)
    variance_of_one = 0.5 * code.mean.square().sum(1)  # the rest of the KL is 0 at log σ² = 0
    torch.testing.assert_close(code.rate, variance_of_one)


@pytest.mark.parametrize("net", [Linear(), Linear(tied=True)], ids=repr)
def test_a_linear_net_is_pca_exactly(net):
    x = world((10,))
    model, pca = begun(Recipe(net), x, 4)
    assert torch.equal(model.get_parameter("encoder.map.weight"), pca.components.float())
    model = model.double()
    begin(pca, model)
    torch.testing.assert_close(model.encode(x).mean, pca.encode(x).z, rtol=0, atol=1e-12)
    torch.testing.assert_close(model.reconstruct(x), rebuilt(x, 4)[0], rtol=0, atol=1e-12)


def test_codes_of_a_path_are_of_unit_size():
    x = 50 * world((10,))
    model, _ = begun(Recipe(MLP()), x, 4)
    assert model.encode(x.float()).mean.square().mean().item() == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("net", [*FREE, *TIED], ids=repr)
def test_training_goes_on_from_there(net):
    if isinstance(net, Linear):
        return
    x = world((10,)).float()
    x[:, 5:] = x[:, :5].square()  # what a line cannot follow
    model, _ = begun(Recipe(net), x.double(), 3)
    adam = torch.optim.Adam(model.parameters(), 1e-2)
    losses = []
    for _ in range(60):
        adam.zero_grad()
        loss = model(Batch(x)).loss
        losses.append(loss.item())
        loss.backward()
        adam.step()
    if net.hidden != ():  # without hidden layers PCA is the best there is
        assert losses[-1] < 0.97 * losses[0]
    assert losses[-1] < 1.03 * losses[0]


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(MLP(bypass=False)),
        Recipe(Conv((4,))),
        Recipe(UNet((4,))),
        Recipe(Recurrent(hidden=4)),
        Recipe(Transformer(width=8)),
        Recipe(MLP(), likelihood=Bernoulli()),
        Recipe(MLP((8,), residual=True, tied=True)),
    ],
    ids=repr,
)
def test_other_compositions_start_as_they_were_built(recipe):
    x = world((10,))
    torch.manual_seed(1)
    model, (fresh, _) = recipe.build((10,), 3), begun(recipe, x, 3)
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), fresh.state_dict().values(), strict=True))


@pytest.mark.parametrize("net", [Linear(), MLP()], ids=repr)
def test_data_without_variance_give_finite_weights(net):
    model, _ = begun(Recipe(net), torch.full((5, 10), 2.0), 3)
    assert all(weight.isfinite().all() for weight in model.parameters())
    torch.testing.assert_close(model.reconstruct(torch.full((5, 10), 2.0)), torch.full((5, 10), 2.0))
