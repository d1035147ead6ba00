"""What neighbours are looked for in."""

import torch

from diabolo.neighbours import Projection


def test_it_is_pca_of_one_size():
    x = torch.randn(500, 6) @ torch.diag(torch.tensor([5.0, 3.0, 1.0, 0.1, 0.1, 0.1]))
    codes = Projection.of([x[:200], x[200:]], 2, limit=1e6)(x)
    covariance = torch.cov(codes.T)
    assert abs(float(covariance[0, 1])) < 1e-3
    assert float(codes.square().mean()) == torch.tensor(1.0).item() or abs(float(codes.square().mean()) - 1) < 1e-3
    assert abs(float(covariance[0, 0] / covariance[1, 1]) - float(torch.cov(x.T)[0, 0] / torch.cov(x.T)[1, 1])) < 0.2


def test_rare_large_numbers_are_cut():
    x = torch.randn(200, 3)
    x[0, 0] = 1e6
    codes = Projection.of([x], 3, limit=1.5)(x)
    assert float(codes.abs().max()) < 10


def test_wide_and_few_samples_have_components_that_are_0():
    x = torch.randn(3, 3000)
    found = Projection.of([x], 10, limit=3.0)
    assert found.weight.shape == (10, 3000)
    assert int((found.weight.abs().sum(1) > 1e-3).sum()) == 3
    before = torch.random.get_rng_state()
    again = Projection.of([x], 10, limit=3.0)
    assert torch.equal(found.weight, again.weight)
    assert torch.equal(before, torch.random.get_rng_state())
