"""Densities given a condition: known answers, and that they are densities."""

import numpy as np
import pytest
import torch

from diabolo.priors import Mixture
from diabolo.priors.joint import Joint


def fitted(codes, condition, prior):
    """Return the density that expectation and maximisation find."""
    torch.manual_seed(0)
    joint = Joint(prior, codes.shape[1], condition.shape[1]).double()
    white = joint.whiten(torch.cat([codes, condition], 1))
    joint.inner.solve(white[100:], white[:100], 0)
    return joint.eval()


@pytest.fixture(scope="module")
def labelled():
    """Codes (3000, 2) of three labels, each in two places of its own."""
    draw = torch.Generator().manual_seed(0)
    label = torch.randint(0, 3, (3000,), generator=draw)
    place = torch.randint(0, 2, (3000,), generator=draw)
    centre = torch.stack([label * 4.0, place * 5.0 - label], 1)
    codes = centre + 0.5 * torch.randn(3000, 2, generator=draw)
    return codes.double(), torch.eye(3)[label].double(), label


def test_samples_of_a_label_are_where_its_codes_are(labelled):
    codes, told, label = labelled
    joint = fitted(codes, told, Mixture(6, "full"))
    for each in range(3):
        drawn = joint.given(torch.eye(3)[[each]].double()).sample(2000).double()
        mine = codes[label == each]
        np.testing.assert_allclose(drawn.mean(0), mine.mean(0), atol=0.2)
        np.testing.assert_allclose(np.cov(drawn.T), np.cov(mine.T), atol=0.4)


def test_a_number_moves_the_mean_and_leaves_the_rest():
    """z = (2c, −c) + noise: given c, the mean is that and the covariance that of the noise."""
    draw = torch.Generator().manual_seed(0)
    c = torch.randn(4000, 1, generator=draw).double()
    codes = c * torch.tensor([[2.0, -1.0]]) + 0.5 * torch.randn(4000, 2, generator=draw).double()
    joint = fitted(codes, c, Mixture(1, "full"))
    drawn = joint.given(torch.tensor([[1.5]])).sample(4000)
    np.testing.assert_allclose(drawn.mean(0), [3.0, -1.5], atol=0.1)
    np.testing.assert_allclose(np.cov(drawn.T), [[0.25, 0], [0, 0.25]], atol=0.06)


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
def test_the_densities_integrate_to_1(labelled, covariance):
    codes, told, _ = labelled
    joint = fitted(codes, told, Mixture(8, covariance))
    x, y = torch.meshgrid(torch.arange(-6, 15, 0.05), torch.arange(-8, 12, 0.05), indexing="ij")
    grid = torch.stack([x.flatten(), y.flatten()], 1).double()
    with torch.no_grad():
        for prior in (joint, *(joint.given(torch.eye(3)[[each]].double()) for each in range(3))):
            assert float(prior.log_density(grid).exp().sum()) * 0.05**2 == pytest.approx(1, abs=5e-3)


def test_all_codes_together_have_the_density_of_the_labels_in_their_shares(labelled):
    codes, told, label = labelled
    joint = fitted(codes, told, Mixture(6, "full"))
    with torch.no_grad():
        each = [joint.given(torch.eye(3)[[i]].double()).log_density(codes[:200]) for i in range(3)]
        share = torch.bincount(label).double() / len(label)
        whole = torch.logsumexp(torch.stack(each, 1) + share.log(), 1)
        np.testing.assert_allclose(joint.log_density(codes[:200]), whole, atol=0.02)


def test_each_code_is_compared_with_its_own_condition(labelled):
    codes, told, _ = labelled
    joint = fitted(codes, told, Mixture(6, "full"))
    with torch.no_grad():
        together = joint.given(told[:4]).log_density(codes[:4].repeat(3, 1))
        alone = torch.cat([joint.given(told[i : i + 1]).log_density(codes[i : i + 1]) for i in range(4)])
    np.testing.assert_allclose(together, alone.repeat(3))


def test_components_are_those_that_are_drawn_from(labelled):
    codes, _, _ = labelled
    torch.manual_seed(0)
    module = Mixture(1, "full").build(2).double()
    module.solve(codes, codes[:0], 0)
    _, mean, covariance = module.components()
    np.testing.assert_allclose(mean[0].detach(), codes.mean(0))
    np.testing.assert_allclose(covariance[0].detach(), np.cov(codes.T, bias=True), rtol=1e-4)
