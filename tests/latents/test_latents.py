"""What every latent keeps: shapes, gradients, determinism, independence of the rest of the batch."""

import copy

import pytest
import torch

from diabolo.errors import CapabilityError, ParameterError
from diabolo.latents import FSQ, L1, BatchTopK, Gaussian, KLSparsity, Plain, TopK, VectorQuantized

N = 8
EIGHT = [
    Plain(),
    L1(),
    KLSparsity(),
    TopK(),
    TopK(3),
    BatchTopK(),
    BatchTopK(3),
    Gaussian(),
    Gaussian(free_bits=0.2),
    Gaussian(samples=3),
    VectorQuantized(16, dim=4),
    FSQ(5),
    FSQ(4),
]
ONE = [Plain(), L1(), KLSparsity(), TopK(), BatchTopK(), Gaussian(), VectorQuantized(4, dim=1), FSQ()]
every = pytest.mark.parametrize("part", EIGHT, ids=str)
any_noise = pytest.mark.parametrize("noise", [True, False], ids=["noise", "still"])


def build(part, n=N, seed=0):
    """Return a module that has seen some batches, so that its buffers are learned."""
    torch.manual_seed(seed)
    module = part.build(n).double()
    for _ in range(3):
        module(numbers(part, 20, n), noise=True)
    return module


def numbers(part, count, n=N):
    return torch.randn(count, part.width(n), dtype=torch.float64)


@every
@any_noise
def test_shapes_and_dtype(part, noise):
    module = build(part)
    code = module(numbers(part, 5), noise)
    draws = getattr(part, "samples", 1) if noise else 1
    assert code.z.shape == (draws * 5, N)
    assert code.mean.shape == (5, N)
    assert code.rate.shape == (5,)
    assert code.z.dtype == code.mean.dtype == code.rate.dtype == torch.float64
    assert bool((code.rate >= 0).all())


@pytest.mark.parametrize("part", ONE, ids=str)
@any_noise
def test_a_code_of_one_number(part, noise):
    module = build(part, 1)
    code = module(numbers(part, 3, 1), noise)
    assert code.z.shape == code.mean.shape == (3, 1)
    assert code.rate.shape == (3,)


@every
@any_noise
def test_a_batch_of_one(part, noise):
    assert build(part)(numbers(part, 1), noise).mean.shape == (1, N)


@every
@any_noise
def test_gradient_reaches_the_encoder(part, noise):
    module, h = build(part), numbers(part, 5).requires_grad_()
    module(h, noise).z.sin().sum().backward()
    assert h.grad is not None
    assert bool(h.grad.isfinite().all())
    assert bool((h.grad[:, :N].abs().sum(1) > 0).all())


@every
def test_without_noise_z_is_the_mean_and_stays(part):
    module, h = build(part), numbers(part, 5)
    first, second = module(h, False), module(h, False)
    assert torch.equal(first.z, first.mean)
    assert torch.equal(first.z, second.z)
    assert torch.equal(first.rate, second.rate)


@every
@any_noise
def test_the_mean_of_a_sample_depends_on_no_other(part, noise):
    module, h = build(part).eval(), numbers(part, 40)
    whole = module(h, noise).mean
    alone = torch.cat([module(row[None], noise).mean for row in h])
    torch.testing.assert_close(whole, alone)  # kernels round differently at the ends of their vectors


@every
def test_without_noise_the_rate_of_a_sample_depends_on_no_other(part):
    module, h = build(part).eval(), numbers(part, 40)
    whole = module(h, False).rate
    alone = torch.cat([module(row[None], False).rate for row in h])
    assert torch.allclose(whole, alone) != isinstance(part, KLSparsity)  # whose cost belongs to the batch


@every
def test_only_training_with_noise_learns(part):
    module, h = build(part), numbers(part, 30)
    before = copy.deepcopy(module.state_dict())
    module(h, False)
    module.eval()(h, True)
    assert all(torch.equal(before[key], value) for key, value in module.state_dict().items())
    module.train()(h, True)
    learns = isinstance(part, BatchTopK | VectorQuantized)
    assert learns == any(not torch.equal(before[key], value) for key, value in module.state_dict().items())


@every
def test_what_was_learned_travels_in_the_state_dict(part):
    module, h = build(part), numbers(part, 5)
    other = build(part, seed=1)
    other.load_state_dict(module.state_dict())
    assert torch.equal(module(h, False).z, other(h, False).z)
    assert all(value.is_floating_point() for value in module.state_dict().values())


@every
@any_noise
@pytest.mark.parametrize("scale", [1e4, -1e4])
def test_extreme_numbers_stay_finite(part, noise, scale):
    module = build(part).float()
    h = torch.full((4, part.width(N)), scale).requires_grad_()
    code = module(h, noise)
    code.rate.sum().backward() if code.rate.requires_grad else None
    assert bool(code.z.isfinite().all() and code.rate.isfinite().all())
    assert h.grad is None or bool(h.grad.isfinite().all())


@every
def test_only_a_prior_can_be_sampled(part):
    module = build(part)
    if part.has_prior:
        assert module.sample(7).shape == (7, N)
    else:
        with pytest.raises(CapabilityError, match=f"{type(part).__name__} has no prior"):
            module.sample(7)


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (TopK(9), "'k' of TopK must be at most the size of the code, 8; got 9"),
        (BatchTopK(9), "'k' of BatchTopK must be at most the size of the code, 8; got 9"),
        (VectorQuantized(dim=3), "'dim' of VectorQuantized must divide the size of the code, 8; got 3"),
        (Gaussian(samples=2, free_bits=0.1), "'free_bits' of Gaussian must be 0 where samples > 1"),
    ],
    ids=str,
)
def test_what_cannot_be_built_says_why(part, words):
    with pytest.raises(ParameterError, match=words):
        part.build(N)


def test_equations_hold_the_knobs():
    assert L1(0.25).equation() == "0.25·‖z‖₁"
    assert KLSparsity(0.1, 3).equation() == "3·Σⱼ KL(0.1 ‖ z̄ⱼ)"
    assert Gaussian(4).equation() == "4·KL(q(z|x) ‖ N(0, I))"
    assert "0.5" in Gaussian(free_bits=0.5).equation()
    assert "7 draws" in Gaussian(samples=7).equation()
    assert VectorQuantized(commitment=0.5).equation() == "0.5·‖h − sg(z)‖²"
    assert {p.equation() for p in (Plain(), TopK(), BatchTopK(), FSQ())} == {"0"}
