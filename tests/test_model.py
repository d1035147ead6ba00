"""The model: terms add up, weights and masks count, knobs can be revised, and what cannot be done says so."""

import pytest
import torch

from diabolo.corruptions import GaussianNoise, Grayscale, Masking, MaskPatches
from diabolo.errors import CapabilityError, ParameterError
from diabolo.flow import Batch
from diabolo.latents import FSQ, L1, BatchTopK, Gaussian, KLSparsity, Plain, TopK, VectorQuantized
from diabolo.likelihoods import Bernoulli, Categorical, Clipped, Laplace, SquaredError
from diabolo.likelihoods import Gaussian as Normal
from diabolo.model import Recipe, count_weights
from diabolo.nets import MLP, Conv, Linear, UNet
from diabolo.penalties import MMD, Contractive, Orthogonal
from diabolo.pretrainings import Layerwise
from diabolo.priors import Composite
from diabolo.recipes import OF_HISTORIES, RECIPES, named

SMALL = MLP((8,))
COMPOSED = [
    Recipe(SMALL),
    Recipe(SMALL, L1(0.1), Laplace(), Masking()),
    Recipe(SMALL, KLSparsity(), penalties=(Contractive(), Orthogonal(), MMD())),
    Recipe(SMALL, Gaussian(beta=0.5), Normal()),
    Recipe(SMALL, Gaussian(samples=3), SquaredError(0.3), penalties=(MMD(),)),
    Recipe(SMALL, VectorQuantized(8, dim=2), Bernoulli(), MaskPatches(0.5, size=2)),
]
composed = pytest.mark.parametrize("recipe", COMPOSED, ids=str)


def built(recipe, shape=(6,), n=4, seed=0):
    torch.manual_seed(seed)
    return recipe.build(shape, n)


@composed
@pytest.mark.parametrize("noise", [True, False], ids=["noise", "still"])
def test_the_terms_sum_to_the_loss(recipe, noise):
    output = built(recipe)(Batch(torch.rand(9, 6)), noise)
    terms = output.terms()
    assert set(terms) == {"distortion", "rate", *output.penalties}
    assert len(output.penalties) == len(recipe.penalties)
    torch.testing.assert_close(sum(terms.values()), output.loss.detach())
    assert output.distortion.shape == output.rate.shape == (9,)
    assert output.loss.shape == ()


@composed
def test_without_noise_the_output_is_what_encode_and_decode_give(recipe):
    model, x = built(recipe), torch.rand(5, 6)
    output = model(Batch(x), noise=False)
    torch.testing.assert_close(output.code.z, model.encode(x).mean)
    torch.testing.assert_close(output.params, model.decode(model.encode(x).mean))
    torch.testing.assert_close(model.reconstruct(x), model.recipe.likelihood.mean(output.params))
    assert torch.equal(output.target, x)


def test_another_target_is_what_is_to_be_rebuilt():
    model, x, target = built(Recipe(SMALL)), torch.rand(5, 6), torch.rand(5, 6)
    output = model(Batch(x, target))
    torch.testing.assert_close(output.distortion, 0.5 * (model.reconstruct(x) - target).square().sum(1))


@composed
def test_a_weight_is_how_often_a_sample_counts(recipe):
    if recipe.penalties or isinstance(recipe.latent, KLSparsity):
        return  # they belong to the batch, not to a sample
    model, x = built(recipe), torch.rand(3, 6)
    weighted = model(Batch(x, weight=torch.tensor([2.0, 0.0, 1.0])), noise=False).loss
    torch.testing.assert_close(weighted, model(Batch(x[[0, 0, 2]]), noise=False).loss)
    even = model(Batch(x, weight=torch.full((3,), 7.0)), noise=False).loss
    torch.testing.assert_close(even, model(Batch(x), noise=False).loss)


def test_a_sample_of_no_weight_moves_nothing():
    model, x = built(Recipe(SMALL)), torch.rand(3, 6)
    slopes = []
    for last in (x[2], 50 * x[2]):
        loss = model(Batch(torch.stack([x[0], x[1], last]), weight=torch.tensor([1.0, 1.0, 0.0]))).loss
        slopes.append(torch.autograd.grad(loss, model.get_parameter("encoder.bypass.weight"))[0])
    torch.testing.assert_close(slopes[0], slopes[1])


def test_only_hidden_elements_count_and_as_much_as_all_would():
    model = built(Recipe(SMALL, corruption=MaskPatches(0.5, size=2)))
    x, target = torch.rand(5, 6), torch.rand(5, 6)
    torch.manual_seed(3)
    seen, hidden = MaskPatches(0.5, size=2).corrupt(x)
    assert hidden is not None
    each = 0.5 * (model.reconstruct(seen) - target).square()
    torch.manual_seed(3)
    output = model(Batch(x, target))
    torch.testing.assert_close(output.distortion, (each * hidden).sum(1) / hidden.float().mean())
    torch.manual_seed(3)
    elsewhere = model(Batch(x, torch.where(hidden, target, target + 9)))
    torch.testing.assert_close(elsewhere.distortion, output.distortion)
    still = model(Batch(x, target), noise=False)
    torch.testing.assert_close(still.distortion, 0.5 * (model.reconstruct(x) - target).square().sum(1))


def test_a_corruption_is_on_the_way_in_only_and_with_noise_only():
    x = torch.rand(5, 6)
    noisy, plain = built(Recipe(SMALL, corruption=GaussianNoise(2.0))), built(Recipe(SMALL))
    torch.testing.assert_close(noisy(Batch(x), noise=False).loss, plain(Batch(x)).loss)
    output = noisy(Batch(x))
    assert torch.equal(output.target, x)
    assert not torch.allclose(output.code.mean, noisy.encode(x).mean)


def test_penalties_of_one_class_have_names_of_their_own():
    recipe = Recipe(SMALL, penalties=(MMD(1.0), Contractive(), MMD(2.0), MMD(3.0), Contractive(0.5)))
    output = built(recipe)(Batch(torch.rand(9, 6)))
    assert list(output.penalties) == ["mmd", "contractive", "mmd_2", "mmd_3", "contractive_2"]
    assert set(output.terms()) == {"distortion", "rate", *output.penalties}


@pytest.mark.parametrize("draws", [1, 4])
def test_draws_share_the_target(draws):
    output = built(Recipe(SMALL, Gaussian(samples=draws)))(Batch(torch.rand(5, 6)))
    assert output.params.shape == (draws * 5, 6)
    assert output.distortion.shape == (5,)


def test_skips_are_repeated_for_each_draw():
    model = built(Recipe(UNet((4,)), Gaussian(samples=3)), (8, 2))
    assert model(Batch(torch.rand(5, 8, 2))).params.shape == (15, 8, 2)


def test_revise_changes_recipe_latent_and_loss():
    model, x = built(Recipe(SMALL, Gaussian(beta=1.0))), torch.rand(5, 6)
    before = model(Batch(x), noise=False)
    model.revise("latent.beta", 4.0)
    assert model.recipe.latent == model.latent.part == Gaussian(beta=4.0)
    after = model(Batch(x), noise=False)
    torch.testing.assert_close(after.rate, 4 * before.rate)
    torch.testing.assert_close(after.distortion, before.distortion)


def test_revise_reaches_likelihood_corruption_and_penalties():
    model, x = built(Recipe(SMALL, corruption=GaussianNoise(1.0), penalties=(Orthogonal(1.0),))), torch.rand(5, 6)
    before = model(Batch(x), noise=False)
    model.revise("likelihood__sigma", 0.5)
    model.revise("penalties", (Orthogonal(3.0),))
    model.revise("corruption.sigma", 0.0)
    after = model(Batch(x))
    torch.testing.assert_close(after.distortion, 4 * before.distortion)
    torch.testing.assert_close(after.penalties["orthogonal"], 3 * before.penalties["orthogonal"])


def test_revise_reaches_modules_within_the_latent_and_the_net():
    model, x = built(Recipe(SMALL, Gaussian(prior=Composite(older=0.75)))), torch.rand(5, 6)
    other = built(Recipe(SMALL, Gaussian(prior=Composite(older=0.0))))
    model.revise("latent__prior__older", 0.0)
    torch.testing.assert_close(model(Batch(x), noise=False).rate, other(Batch(x), noise=False).rate)
    assert model.recipe == other.recipe


def test_revise_keeps_what_was_learned():
    model = built(Recipe(SMALL, BatchTopK(1)))
    model(Batch(torch.rand(20, 6)))
    threshold = model.get_buffer("latent.threshold").clone()
    model.revise("latent.k", 3)
    assert torch.equal(model.get_buffer("latent.threshold"), threshold)
    assert threshold > 0


@pytest.mark.parametrize(
    ("recipe", "path", "value", "words"),
    [
        (Recipe(SMALL), "net.hidden", (9,), "'net.hidden' shapes the weights"),
        (Recipe(SMALL), "net", Linear(), "'net' shapes the weights"),
        (Recipe(SMALL), "pretraining", Layerwise(), "'pretraining' shapes the weights"),
        (Recipe(SMALL, VectorQuantized(8, dim=2)), "latent.codes", 9, "changes the shape of weights"),
        (Recipe(SMALL, VectorQuantized(8, dim=2)), "latent.dim", 4, "changes the shape of weights"),
        (Recipe(SMALL), "latent", Gaussian(), "changes the shape of weights"),
        (Recipe(SMALL), "latent", TopK(2), "changes the shape of weights"),
        (Recipe(SMALL, TopK(2)), "latent.k", 5, "must be at most the size of the code, 4; got 5"),
        (Recipe(SMALL, Gaussian()), "latent.beta", -1.0, "'beta' of Gaussian must be a number >= 0"),
        (Recipe(SMALL, Gaussian()), "latent.betta", 1.0, "Did you mean 'beta'"),
        (Recipe(SMALL), "corruption.sigma", 1.0, "'corruption' of Recipe is None"),
    ],
    ids=str,
)
def test_revise_refuses_what_the_weights_cannot_follow(recipe, path, value, words):
    model = built(recipe)
    kept = model.recipe
    with pytest.raises(ParameterError, match=words):
        model.revise(path, value)
    assert model.recipe == kept
    assert model.latent.part == recipe.latent
    assert model(Batch(torch.rand(5, 6))).loss.isfinite()


def test_a_net_with_skips_decodes_no_code_alone():
    model = built(Recipe(UNet((4,)), Gaussian()), (8, 2))
    assert not model.decodes_alone
    with pytest.raises(CapabilityError, match="UNet cannot decode a code alone"):
        model.decode(torch.zeros(1, 4))
    with pytest.raises(CapabilityError, match="UNet cannot decode a code alone"):
        model.sample(3)
    assert model.reconstruct(torch.rand(3, 8, 2)).shape == (3, 8, 2)


@pytest.mark.parametrize("latent", [Plain(), TopK(), L1(), FSQ(), VectorQuantized(8, dim=2)], ids=repr)
def test_a_latent_without_a_prior_gives_no_samples(latent):
    model = built(Recipe(SMALL, latent))
    assert not model.has_prior
    with pytest.raises(CapabilityError, match=f"{type(latent).__name__} has no prior"):
        model.sample(3)


def test_samples_are_means_of_codes_from_the_prior():
    model = built(Recipe(Conv((4,)), Gaussian(), Bernoulli()), (1, 6, 5))
    assert model.has_prior
    drawn = model.sample(7)
    assert drawn.shape == (7, 1, 6, 5)
    assert drawn.min() >= 0
    assert drawn.max() <= 1


@pytest.mark.parametrize(
    ("recipe", "shape", "n", "words"),
    [
        (Recipe(), (6,), 0, "'n_components' of the recipe must be an integer in"),
        (Recipe(), (6,), 2.0, "'n_components' of the recipe must be an integer in"),
        (Recipe(Linear(), Gaussian(beta=-1)), (6,), 2, "'beta' of Gaussian"),
        (Recipe(corruption=Grayscale()), (1, 8, 8), 2, "Grayscale"),
        (Recipe(likelihood=Categorical(4)), (6,), 2, "'classes' of Categorical"),
        (Recipe(likelihood=Clipped((0.0,) * 2, (1.0,) * 2)), (6,), 2, "'low' of Clipped"),
        (Recipe(latent=TopK(5)), (6,), 4, "'k' of TopK"),
        (Recipe(), (6, 5, 4, 3), 2, "Auto must be built for samples"),
    ],
    ids=str,
)
def test_what_cannot_be_built_says_why(recipe, shape, n, words):
    with pytest.raises(ParameterError, match=words):
        recipe.build(shape, n)


def test_weights_travel_and_are_counted():
    one, two = built(Recipe(SMALL, VectorQuantized(8, dim=2))), built(Recipe(SMALL, VectorQuantized(8, dim=2)), seed=1)
    two.load_state_dict(one.state_dict())
    x = torch.rand(5, 6)
    assert torch.equal(one.reconstruct(x), two.reconstruct(x))
    assert count_weights(built(Recipe(Linear()))) == 6 * 4 + 4 + 4 * 6 + 6
    assert count_weights(built(Recipe(Linear(tied=True)))) == 6 * 4 + 4 + 6


@pytest.mark.parametrize("name", RECIPES | OF_HISTORIES)
def test_every_named_recipe_has_a_formula_and_a_source(name):
    row = (RECIPES | OF_HISTORIES)[name]
    row.recipe.check()
    assert row.name == name
    lines = row.recipe.equation().splitlines()
    assert lines[0].startswith("loss = ")
    assert len(lines[0]) > len("loss = ")
    assert lines[1] in ("z = E(x)", "z = E(x̃)")
    assert all(line.strip() for line in lines)
    assert row.about
    assert row.source
    assert named(name) is row.recipe


def test_an_equation_holds_every_term():
    recipe = Recipe(SMALL, L1(0.5), Laplace(), GaussianNoise(0.2), (Orthogonal(0.1),), Layerwise())
    assert recipe.equation().splitlines() == [
        "loss = ‖x − D(z)‖₁ + 0.5·‖z‖₁ + 0.1·Σ‖WWᵀ − I‖²",
        "z = E(x̃)",
        "x̃ = x + 0.2·ε",
        "first, layer by layer: ½‖x − Dₖ(Eₖ(x))‖²",
    ]


def test_named_takes_a_name_a_text_or_a_recipe():
    assert named("vae").latent == Gaussian()
    assert named("Recipe(MLP((8,)), TopK(3))") == Recipe(SMALL, TopK(3))
    assert named(COMPOSED[1]) is COMPOSED[1]
    assert all(named(repr(recipe)) == recipe for recipe in COMPOSED)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("vea", "Parameter 'recipe': unknown recipe 'vea'; known: .* Did you mean 'vae'"),
        ("", "Parameter 'recipe': unknown recipe ''; known: "),
        (3, "Parameter 'recipe' must be a Recipe or the name of one; got int"),
        (SMALL, "Parameter 'recipe' must be a Recipe or the name of one; got MLP"),
        ("Recipe(latent=TopKK())", "'TopKK'.* Did you mean 'TopK'"),
        ("Recipe(latent=TopK(k=0))", "'k' of TopK must be"),
        ("Recipe(laten=TopK())", "unknown parameter 'laten'.* Did you mean 'latent'"),
        ("Recipe(", "Cannot read"),
        ("__import__('os').getcwd()", "Cannot read"),
    ],
    ids=repr,
)
def test_what_names_no_recipe_says_why(given, words):
    with pytest.raises(ParameterError, match=words):
        named(given)


def test_weighted_terms_sum_to_the_loss():
    model = Recipe(penalties=(MMD(), Orthogonal())).build((5,), 2)
    output = model(Batch(torch.randn(6, 5), weight=torch.arange(1.0, 7.0)))
    torch.testing.assert_close(sum(output.terms().values()), output.loss.detach())


def test_revise_refuses_another_shape_of_params_and_a_corruption_that_cannot_be():
    model = Recipe().build((6,), 2)
    with pytest.raises(ParameterError, match="shape of weights"):
        model.revise("likelihood", Normal())
    with pytest.raises(ParameterError, match="Grayscale"):
        model.revise("corruption", Grayscale())
    assert model.reconstruct(torch.zeros(2, 6)).shape == (2, 6)


def test_a_recipe_written_out_must_be_a_recipe():
    with pytest.raises(ParameterError, match="must be a Recipe"):
        named("Training()")
    with pytest.raises(ParameterError, match="among the recipes"):
        named("Receipt()")
