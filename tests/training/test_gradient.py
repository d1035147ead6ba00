"""The closed form equals autograd to rounding, wherever it applies, and applies where it should."""

from dataclasses import dataclass

import pytest
import torch

from diabolo.corruptions import Blur, GaussianNoise, Masking
from diabolo.flow import Batch, total
from diabolo.latents import FSQ, L1, Gated, Gaussian, JumpReLU, KLSparsity, TopK
from diabolo.likelihoods import Bernoulli, Clipped, Laplace, SquaredError
from diabolo.likelihoods import Gaussian as GaussianLikelihood
from diabolo.members import Members
from diabolo.model import Recipe
from diabolo.nets import MLP, Atoms, Conv
from diabolo.penalties import Contractive, Penalty
from diabolo.precision import nets_in
from diabolo.training.gradient import gradient_of, stacks_of

WIDTH = 6
NET = MLP((9, 7))
PLAIN = {
    "default": Recipe(NET),
    "no norm": Recipe(NET(norm="none")),
    "no path": Recipe(NET(bypass=False)),
    "bare": Recipe(MLP((8,), activation="relu", norm="none", bypass=False)),
    "no hidden layer": Recipe(MLP(())),
    **{name: Recipe(NET(activation=name)) for name in ("relu", "silu", "gelu", "tanh", "sigmoid")},
    "clipped": Recipe(NET, likelihood=Clipped((-1.0,), (1.0,))),
    "laplace": Recipe(NET, likelihood=Laplace()),
    "own variance": Recipe(NET, likelihood=GaussianLikelihood()),
    "bernoulli": Recipe(NET, likelihood=Bernoulli()),
    "sparse": Recipe(NET, latent=L1(0.1)),
    "k-sparse": Recipe(NET, latent=TopK(2)),
    "variational": Recipe(NET, latent=Gaussian(beta=0.5)),
    "variational, bits": Recipe(NET, latent=Gaussian(beta=0.5), likelihood=Bernoulli()),
    "variational, autograd": Recipe(NET, latent=Gaussian(beta=0.5), likelihood=Laplace()),
    "free bits": Recipe(NET, latent=Gaussian(free_bits=0.1)),
    "variational, masked": Recipe(NET, latent=Gaussian(), corruption=Masking(0.4)),
    "several draws": Recipe(NET, latent=Gaussian(samples=3)),
    "finite": Recipe(NET, latent=FSQ(3)),
    "denoising": Recipe(NET, corruption=GaussianNoise(0.3)),
    "masked": Recipe(NET, corruption=Masking(0.4)),
}
OTHERS = {
    "shortcuts": Recipe(NET(residual=True)),
    "tied": Recipe(NET(tied=True)),
    "softplus": Recipe(NET(activation="softplus")),
    "contractive": Recipe(NET, penalties=(Contractive(),)),
    "latent with memory": Recipe(NET, latent=KLSparsity()),
}


def build(recipe, shape=(WIDTH,)):
    torch.manual_seed(0)
    model = recipe.build(shape, 3).double()
    for weight in model.parameters():
        weight.data.add_(0.1 * torch.randn_like(weight))
    return model


def both(model, batch):
    weights = list(model.parameters())
    torch.manual_seed(1)
    terms, gradient = gradient_of(model, weights)(batch)
    torch.manual_seed(1)
    expected = model(batch, noise=True).terms()
    return terms, gradient, expected, torch.autograd.grad(total(expected), weights, allow_unused=True)


@pytest.mark.parametrize("name", PLAIN)
def test_equals_autograd(name):
    model = build(PLAIN[name])
    assert stacks_of(model, list(model.parameters())) is not None
    x = torch.rand(11, WIDTH, dtype=torch.float64)
    for batch in (Batch(x), Batch(x, target=x.flip(0), weight=torch.rand(11, dtype=torch.float64))):
        terms, gradient, expected, reference = both(model, batch)
        torch.testing.assert_close(terms, expected)
        for found, wanted in zip(gradient, reference, strict=True):
            torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("name", OTHERS)
def test_leaves_what_is_not_plain_to_autograd(name):
    model = build(OTHERS[name])
    closed = stacks_of(model, list(model.parameters()))
    assert closed is None or name == "latent with memory"  # its memory has no weights
    _, gradient, _, reference = both(model, Batch(torch.rand(11, WIDTH, dtype=torch.float64)))
    assert [g is None for g in gradient] == [g is None for g in reference]


def test_images_and_series_as_vectors_too():
    for shape in ((4, 2), (1, 3, 4)):
        model = build(Recipe(NET, likelihood=SquaredError(0.5)), shape)
        _, gradient, _, reference = both(model, Batch(torch.rand(5, *shape, dtype=torch.float64)))
        for found, wanted in zip(gradient, reference, strict=True):
            torch.testing.assert_close(found, wanted)


def test_frozen_weights_and_other_nets_are_for_autograd():
    model = build(Recipe(NET))
    assert stacks_of(model, list(model.parameters())[1:]) is None
    assert stacks_of(build(Recipe(Conv()), (1, 8, 8)), []) is None


def computed(model, batch, precision, batch_size=1):
    """The loss, and the gradient by each weight, drawn alike."""
    torch.manual_seed(1)
    terms, gradient = gradient_of(model, list(model.parameters()), precision, batch_size)(batch)
    known = [part for part in gradient if part is not None]
    assert len(known) == len(gradient)
    assert {part.dtype for part in (*terms.values(), *known)} == {batch.x.dtype}
    return total(terms).sum().item(), known


@pytest.mark.parametrize("name", PLAIN)
def test_bfloat16_gives_about_the_same_gradient_in_the_precision_of_the_weights(name):
    model, batch = build(PLAIN[name]).float(), Batch(torch.rand(300, WIDTH))
    (loss, exact), (rough, rounded) = (computed(model, batch, precision) for precision in ("float32", "bfloat16"))
    whole, other = (torch.cat([part.flatten() for part in parts]) for parts in (exact, rounded))
    assert rough == pytest.approx(loss, rel=0.02)
    assert torch.cosine_similarity(whole, other, 0) > 0.99
    assert not torch.equal(whole, other)


def test_of_a_model_the_nets_alone_compute_in_bfloat16():
    seen = {}

    @dataclass(frozen=True)
    class Looking(Penalty):
        def penalty(self, model, batch, output):
            seen["x"], seen["params"] = (batch.x[:2].flatten(1) @ torch.ones(256, 1)).dtype, output.params.dtype
            seen["code"], seen["decoded"] = output.code.z.dtype, model.decode(output.code.z).dtype
            return output.distortion * 0

        def equation(self):
            return "0"

    model = Recipe(Conv(), Gaussian(), corruption=Blur(1.0), penalties=(Looking(),)).build((1, 16, 16), 4)
    model.encoder.register_forward_hook(lambda module, given, made: seen.update(encoder=made[0].dtype))
    model.decoder.register_forward_hook(lambda module, given, made: seen.update(decoder=made.dtype))
    terms, _ = gradient_of(model, list(model.parameters()), "bfloat16")(Batch(torch.rand(4, 1, 16, 16)))
    assert seen.pop("encoder") == seen.pop("decoder") == torch.bfloat16
    assert {*seen.values(), *(term.dtype for term in terms.values())} == {torch.float32}


@pytest.mark.parametrize("latent", [Gated(0.1), JumpReLU(), TopK(2)], ids=repr)
def test_codes_that_are_selected_stay_in_the_precision_of_the_weights(latent):
    model = Recipe(Atoms(), latent).build((WIDTH,), 8)
    with nets_in(torch.bfloat16):
        output = model(Batch(torch.rand(9, WIDTH)))
    assert {output.code.z.dtype, output.rate.dtype, output.params.dtype, output.distortion.dtype} == {torch.float32}


def test_members_compute_in_bfloat16_where_asked():
    members, batch = Members([build(Recipe(NET)).float() for _ in range(2)]), Batch(torch.rand(300, WIDTH))
    (_, exact), (_, rounded) = (computed(members, batch, precision) for precision in ("auto", "bfloat16"))
    for one, other in zip(exact, rounded, strict=True):
        assert not torch.equal(one, other)
        assert torch.cosine_similarity(one.flatten(), other.flatten(), 0) > 0.99


@pytest.mark.parametrize(
    ("native", "width", "batch_size", "dtype", "rounds"),
    [
        (True, 784, 256, torch.float32, True),
        (True, 784, 1, torch.float32, False),
        (True, WIDTH, 256, torch.float32, False),
        (True, 784, 256, torch.float64, False),
        (False, 784, 256, torch.float32, False),
    ],
    ids=["large", "few samples", "narrow", "exact weights", "a processor without"],
)
def test_large_stacks_round_where_the_processor_can(monkeypatch, native, width, batch_size, dtype, rounds):
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: native, raising=False)
    model = build(Recipe(MLP((512,))), (width,)).to(dtype)
    batch = Batch(torch.rand(8, width, dtype=dtype))
    gradients = [computed(model, batch, precision, batch_size)[1] for precision in ("auto", "float32")]
    assert all(torch.equal(*pair) for pair in zip(*gradients, strict=True)) is not rounds
