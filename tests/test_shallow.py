"""The closed form: moments in blocks, PCA beside scikit-learn's, and where a recipe is solved by it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import subspace_angles
from sklearn import decomposition

from diabolo.corruptions import GaussianNoise
from diabolo.flow import Batch
from diabolo.latents import L1
from diabolo.likelihoods import Clipped, Laplace, SquaredError
from diabolo.model import Recipe
from diabolo.nets import MLP, Linear
from diabolo.penalties import Orthogonal
from diabolo.shallow import PCA, Moments, solvable


def rows(count, width, rank=None, seed=0):
    draw = torch.Generator().manual_seed(seed)
    rank = min(count, width) if rank is None else rank
    left = torch.randn(count, rank, generator=draw, dtype=torch.float64) * torch.linspace(3, 1, rank).double()
    return left @ torch.randn(rank, width, generator=draw, dtype=torch.float64) / rank**0.5 + 0.5


def solved(x, n):
    return PCA.solve(Moments.none(x.shape[1]).add(x), n)


@given(
    st.lists(st.integers(1, 20), min_size=1, max_size=6),
    st.integers(1, 5),
    st.sampled_from([0.0, 1e6]),
    st.integers(0, 99),
)
def test_moments_of_blocks_are_those_of_the_whole(sizes, width, offset, seed):
    x = rows(sum(sizes), width, seed=seed) + offset
    moments = Moments.none(width)
    for block in x.split(sizes):
        moments = moments.add(block)
    centred = x - x.mean(0)
    assert moments.count == len(x)
    torch.testing.assert_close(moments.mean, x.mean(0), rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(moments.scatter, centred.T @ centred, rtol=1e-6, atol=1e-6)


def test_moments_are_float64_whatever_comes():
    moments = Moments.none(3).add(torch.ones(4, 3)).add(torch.full((2, 3), 7.0))
    assert moments.mean.dtype == moments.scatter.dtype == torch.float64
    assert moments.mean.tolist() == pytest.approx([3.0] * 3)


@pytest.mark.parametrize("n", [1, 3, 8])
def test_solve_is_pca(n):
    x = rows(100, 8)
    pca, reference = solved(x, n), decomposition.PCA(n).fit(x.numpy())
    signs = np.sign((pca.components.numpy() * reference.components_).sum(1))
    np.testing.assert_allclose(pca.components, reference.components_ * signs[:, None], atol=1e-9)
    np.testing.assert_allclose(pca.mean, reference.mean_, atol=1e-12)
    np.testing.assert_allclose(pca.variances[:n], reference.explained_variance_ * 99 / 100, rtol=1e-9)
    np.testing.assert_allclose(pca.encode(x).z, reference.transform(x.numpy()) * signs, atol=1e-9)
    expected = reference.inverse_transform(reference.transform(x.numpy()))
    np.testing.assert_allclose(pca.reconstruct(x), expected, atol=1e-9)


def test_components_are_orthonormal_by_falling_variance_and_of_one_sign():
    pca = solved(rows(50, 6), 6)
    torch.testing.assert_close(pca.components @ pca.components.T, torch.eye(6).double())
    assert bool((pca.variances.diff() <= 0).all())
    largest = pca.components.abs().argmax(1)
    assert bool((pca.components[torch.arange(6), largest] > 0).all())


def test_blocks_give_the_same_components():
    x = rows(90, 7)
    whole, parts = PCA.fit([x], 7, 3), PCA.fit(x.split(13), 7, 3)
    torch.testing.assert_close(parts.components, whole.components, rtol=0, atol=1e-9)


def test_images_are_taken_as_rows():
    x = rows(40, 12)
    images = PCA.fit([x.view(40, 3, 2, 2)], 12, 2)
    torch.testing.assert_close(images.components, PCA.fit([x], 12, 2).components)
    assert images.reconstruct(x.view(40, 3, 2, 2)).shape == (40, 3, 2, 2)


@pytest.mark.parametrize(("count", "width"), [(60, 3100), (120, 3100), (5, 4000)])
def test_wide_rows_are_solved_closely(count, width):
    x = rows(count, width, rank=min(count, 12))
    n = min(count - 1, 6)
    pca, reference = PCA.fit([x], width, n), decomposition.PCA(n, svd_solver="full").fit(x.numpy())
    angles = subspace_angles(pca.components.numpy().T, np.transpose(np.asarray(reference.components_)))
    assert np.degrees(angles.max()) < 0.5
    error, best = ((again - x.numpy()) ** 2 for again in (pca.reconstruct(x).numpy(), _best(reference, x)))
    assert error.sum() <= 1.001 * best.sum() + 1e-4
    np.testing.assert_allclose(pca.variances[:n], reference.explained_variance_ * (count - 1) / count, rtol=1e-2)


def _best(reference, x):
    return reference.inverse_transform(reference.transform(x.numpy()))


def test_wide_rows_take_from_the_users_generator_nothing_and_are_always_the_same():
    x = rows(30, 3100)
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    first = PCA.fit([x], 3100, 4)
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(PCA.fit([x], 3100, 4).components, first.components)


def test_wide_rows_need_no_more_than_4000():
    def blocks():
        yield from rows(4000, 3100, rank=2).float().split(2000)
        raise AssertionError("a further block was asked for")

    assert PCA.fit(blocks(), 3100, 2).components.shape == (2, 3100)


@pytest.mark.parametrize(("count", "width", "n"), [(50, 4, 9), (3, 6, 6), (3, 3100, 20)])
def test_a_code_wider_than_the_data_is_filled_up_with_zeros(count, width, n):
    x = rows(count, width)
    pca = PCA.fit([x], width, n)
    assert pca.components.shape == (n, width)
    assert bool((pca.components[min(width, n) :] == 0).all())
    assert pca.encode(x).z.shape == (count, n)
    torch.testing.assert_close(pca.reconstruct(x), x, rtol=0, atol=1e-4)


def test_a_row_alone_and_constant_rows_are_their_mean():
    for x in (rows(1, 4), torch.ones(9, 4)):
        torch.testing.assert_close(solved(x, 2).reconstruct(x), x.double())


def test_pca_answers_as_a_model_does():
    x = rows(20, 6)
    pca = solved(x, 2)
    output = pca(Batch(x.view(20, 3, 2), weight=torch.ones(20)))
    assert output.params.shape == (20, 3, 2)
    torch.testing.assert_close(output.distortion, 0.5 * (pca.reconstruct(x) - x).square().sum(1))
    assert output.loss.item() == pytest.approx(output.distortion.mean().item())
    assert bool((output.rate == 0).all())


@pytest.mark.parametrize(
    ("recipe", "width", "answer"),
    [
        (Recipe(Linear()), 784, True),
        (Recipe(Linear(tied=True)), 784, True),
        (Recipe(Linear(), likelihood=SquaredError(0.3)), 784, True),
        (Recipe(Linear()), 3073, False),
        (Recipe(MLP()), 10, False),
        (Recipe(Linear(), latent=L1()), 10, False),
        (Recipe(Linear(), likelihood=Laplace()), 10, False),
        (Recipe(Linear(), likelihood=Clipped()), 10, False),
        (Recipe(Linear(), corruption=GaussianNoise()), 10, False),
        (Recipe(Linear(), penalties=(Orthogonal(),)), 10, False),
    ],
    ids=str,
)
def test_only_the_linear_recipe_is_solved(recipe, width, answer):
    assert solvable(recipe, width) is answer


def test_few_wide_rows_have_the_components_of_their_covariance():
    x = torch.randn(30, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64) @ torch.randn(
        12, 90, generator=torch.Generator().manual_seed(1), dtype=torch.float64
    )
    few, whole = PCA.fit(x.split(7), 90, 40), PCA.solve(Moments.none(90).add(x), 40)
    np.testing.assert_allclose(few.components[:12], whole.components[:12], atol=1e-8)  # there is no variance beyond
    np.testing.assert_allclose(few.variances, whole.variances, atol=1e-10)
    np.testing.assert_allclose(few.components[:30] @ few.components[:30].T, np.eye(30), atol=1e-10)
    np.testing.assert_allclose(few.reconstruct(x), x, atol=1e-9)
