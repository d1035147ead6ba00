"""What every prior keeps: a density that integrates to 1, and samples that are its own."""

import copy

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from diabolo.errors import CapabilityError, ParameterError
from diabolo.nets import MLP
from diabolo.priors import Flow, Mixture, Normal, VampPrior, Whitened
from diabolo.priors.diagonal import log_densities, moments

PARTS = [Normal(), Mixture(3), Mixture(2, "full"), Flow(3, 8), VampPrior(4)]
every = pytest.mark.parametrize("part", PARTS, ids=str)
even_of_one = pytest.mark.parametrize("part", [p for p in PARTS if not isinstance(p, Flow)], ids=str)


def build(part, n, seed=0, far=0.4):
    """Return a density that is far from where it starts, in float64."""
    torch.manual_seed(seed)
    module = part.build(n)
    encoder, _ = MLP((4,)).build((3,), 2 * n, n, (3,))
    module.attach((3,), encoder)
    for weight in module.parameters():
        weight.data += far * torch.randn_like(weight)
    encoder.double()
    return module.double()


def grid(n, reach=12.0, steps=481):
    """Return the places (steps**n, n) of an even grid and the volume of a cell."""
    line = torch.linspace(-reach, reach, steps, dtype=torch.float64)
    return torch.cartesian_prod(*[line] * n).view(-1, n), (line[1] - line[0]).item() ** n


def integral(module, n):
    """Return mass, mean and covariance by the density alone."""
    z, cell = grid(n)
    with torch.no_grad():
        mass = module.log_density(z).exp() * cell
    mean = mass @ z
    return mass.sum(), mean, (z - mean).T @ ((z - mean) * mass[:, None])


@even_of_one
def test_in_one_dimension_the_density_integrates_to_one(part):
    assert integral(build(part, 1), 1)[0].item() == pytest.approx(1, abs=1e-4)


@every
def test_in_two_dimensions_the_density_integrates_to_one_and_has_the_moments_of_its_samples(part):
    module = build(part, 2)
    mass, mean, covariance = integral(module, 2)
    assert mass.item() == pytest.approx(1, abs=1e-3)
    torch.manual_seed(1)
    drawn = module.sample(20_000)
    spread = covariance.diagonal().max().sqrt()
    assert (drawn.mean(0) - mean).abs().max() < 0.05 * spread
    assert (torch.cov(drawn.T) - covariance).abs().max() < 0.08 * spread**2


@every
def test_samples_are_as_likely_as_their_entropy_says(part):
    module = build(part, 2)
    z, cell = grid(2)
    with torch.no_grad():
        log_p = module.log_density(z)
        torch.manual_seed(1)
        drawn = module.log_density(module.sample(20_000)).mean()
    assert drawn.item() == pytest.approx((log_p.exp() * log_p).sum().item() * cell, abs=0.05)


@every
def test_the_ratio_is_that_of_the_densities(part):
    module = build(part, 4)
    torch.manual_seed(2)
    mean, log_var, eps = (torch.randn(7, 4, dtype=torch.float64) for _ in range(3))
    z = mean + (0.5 * log_var).exp() * eps
    q = torch.distributions.Normal(mean, (0.5 * log_var).exp()).log_prob(z).sum(1)
    torch.testing.assert_close(module.ratio(z, eps, log_var), q - module.log_density(z))


@every
@given(n=st.integers(2, 9), count=st.integers(1, 5), scale=st.sampled_from([0.0, 1.0, 1e3, 1e6]))
def test_shapes_and_hostile_codes(part, n, count, scale):
    module = build(part, n).float()
    module.attach((3,), MLP((4,)).build((3,), 2 * n, n, (3,))[0])
    z = torch.full((count, n), scale, requires_grad=True)
    log_p = module.log_density(z)
    assert log_p.shape == (count,)
    assert log_p.dtype == torch.float32
    assert bool(log_p.isfinite().all())
    assert bool(torch.autograd.grad(log_p.sum(), z)[0].isfinite().all())
    drawn = module.sample(count)
    assert drawn.shape == (count, n)
    assert drawn.dtype == torch.float32
    assert not drawn.requires_grad


@every
def test_the_density_of_a_code_depends_on_no_other(part):
    module = build(part, 3)
    z = torch.randn(9, 3, dtype=torch.float64)
    alone = torch.cat([module.log_density(row[None]) for row in z])
    torch.testing.assert_close(module.log_density(z), alone)


@pytest.mark.parametrize("part", PARTS[:-1], ids=str)
def test_a_density_is_exact_where_nets_compute_in_bfloat16(part):
    module, z = build(part, 3).float(), torch.randn(9, 3)
    with torch.autocast("cpu", torch.bfloat16):
        found = module.log_density(z)
    assert torch.equal(found, module.log_density(z))


@every
def test_copies_have_weights_of_their_own(part):
    module = build(part, 3)
    z = torch.randn(5, 3, dtype=torch.float64)
    other, before = copy.deepcopy(module), module.log_density(z).detach()
    for weight in other.parameters():
        weight.data += 1
    assert torch.equal(module.log_density(z), before)
    assert torch.equal(other.log_density(z), before) == isinstance(part, Normal)
    other.load_state_dict(module.state_dict())
    assert torch.equal(other.log_density(z), before)


def test_a_mixture_is_the_one_of_its_distributions():
    module = build(Mixture(3, "full"), 3)
    whitening = (torch.eye(3) + module.get_parameter("mixing").triu(1)) / module.get_parameter("log_scale").exp()[
        :, None
    ]
    known = MixtureSameFamily(
        Categorical(logits=module.get_parameter("logits")),
        MultivariateNormal(module.get_parameter("mean"), precision_matrix=whitening @ whitening.mT),
    )
    z = 3 * torch.randn(20, 3, dtype=torch.float64)
    torch.testing.assert_close(module.log_density(z), known.log_prob(z))


def test_without_mixing_full_covariances_are_diagonal_ones():
    full, diagonal = build(Mixture(3, "full"), 3), build(Mixture(3), 3)
    full.load_state_dict(diagonal.state_dict(), strict=False)
    full.get_parameter("mixing").data.zero_()
    z = torch.randn(20, 3, dtype=torch.float64)
    torch.testing.assert_close(full.log_density(z), diagonal.log_density(z))


def test_densities_far_from_zero_keep_their_digits():
    z, mean = torch.full((1, 2), 1000.0), torch.full((1, 2), 1000.25)
    exact = torch.distributions.Normal(mean[0], 0.01).log_prob(z[0]).sum()
    found = log_densities(z, mean, torch.full((1, 2), 0.01).square().log())
    torch.testing.assert_close(found[0, 0], exact, rtol=1e-5, atol=0)


@pytest.mark.parametrize("n", [2, 3, 8])
def test_a_flow_inverts_exactly(n):
    module = build(Flow(6, 8), n, far=0.2).float()
    torch.manual_seed(3)
    u = torch.randn(50, n)
    torch.manual_seed(3)
    back = module.sample(50)
    for coupling in module.get_submodule("couplings").children():
        s, t = coupling(back)
        back = (back - t) * (-s).exp()
    torch.testing.assert_close(back, u, rtol=1e-5, atol=1e-5)


def test_the_density_of_a_flow_is_that_of_its_jacobian():
    module = build(Flow(5, 8), 3)

    def inverse(z):
        for coupling in module.get_submodule("couplings").children():
            s, t = coupling(z)
            z = (z - t) * (-s).exp()
        return z

    for z in torch.randn(4, 1, 3, dtype=torch.float64):
        z.requires_grad_()
        rows = [torch.autograd.grad(inverse(z)[0, i], z)[0][0] for i in range(3)]
        known = Normal().build(3).log_density(inverse(z)) + torch.stack(rows).det().abs().log()
        torch.testing.assert_close(module.log_density(z), known)


@pytest.mark.parametrize(("n", "layers"), [(2, 2), (3, 4), (5, 6), (8, 6)])
def test_a_flow_splits_any_two_entries_in_some_layer(n, layers):
    kept = torch.stack([c.get_buffer("kept") for c in Flow(layers, 4).build(n).get_submodule("couplings").children()])
    assert bool(((kept.sum(1) > 0) & (kept.sum(1) < n)).all())
    for i in range(n):
        for j in range(i):
            assert bool((kept[:, i] != kept[:, j]).any())


def test_a_flow_starts_at_the_normal_distribution_and_refuses_codes_of_one_number():
    z = torch.randn(5, 3)
    torch.testing.assert_close(Flow().build(3).log_density(z), Normal().build(3).log_density(z))
    with pytest.raises(ParameterError, match="Flow for codes of one number"):
        Flow().build(1)


def test_pseudo_inputs_are_seen_by_the_encoder():
    torch.manual_seed(0)
    module = VampPrior(2).build(1)
    with pytest.raises(CapabilityError, match="has none here"):
        module.log_density(torch.zeros(1, 1))
    encoder, _ = MLP((4,)).build((3,), 2, 1, (3,))
    module.attach((3,), encoder)
    mean, log_var = moments(encoder(module.get_parameter("inputs"))[0])
    known = torch.distributions.Normal(mean, (0.5 * log_var).exp()).log_prob(torch.tensor(0.3)).exp().mean().log()
    torch.testing.assert_close(module.log_density(torch.full((1, 1), 0.3))[0], known)
    assert [name for name, _ in module.named_parameters()] == ["inputs"]  # the encoder is the model's


def test_pseudo_inputs_begin_at_samples():
    module = build(VampPrior(6), 1)
    x = torch.arange(12.0)[:, None].expand(12, 3)
    module.begin([x[:5], x[5:]])
    inputs = module.get_parameter("inputs").detach()
    assert (inputs.mean(1) - torch.tensor([0, 2, 4, 7, 9, 11])).abs().max() < 0.1
    module.begin([x[:2]])  # fewer than there are pseudo-inputs
    assert len(module.get_parameter("inputs").detach().unique(dim=0)) == 6


def test_whitened_codes_are_white_and_the_way_back_is_exact():
    torch.manual_seed(0)
    codes = torch.randn(400, 3) @ torch.tensor([[5.0, 1, 0], [0, 1, 0], [0, 0, 0.1]]) + 100
    module = Whitened(Normal(), 3).double()
    white = module.whiten(codes)
    torch.testing.assert_close(white.mean(0), torch.zeros(3).double(), atol=1e-6, rtol=0)
    torch.testing.assert_close(white.T @ white / 400, torch.eye(3).double(), atol=1e-6, rtol=0)
    exact = MultivariateNormal(codes.double().mean(0), torch.cov(codes.double().T, correction=0))
    torch.testing.assert_close(module.log_density(codes.double()), exact.log_prob(codes.double()))


def test_directions_without_variance_are_bounded():
    module = Whitened(Normal(), 3)
    assert bool(module.whiten(torch.ones(10, 3)).isfinite().all())
    torch.testing.assert_close(module.sample(5), torch.ones(5, 3), atol=0.01, rtol=0)
