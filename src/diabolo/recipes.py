"""The named recipes: rows of one table, read by the estimators, the command line, the docs and the tests."""

from __future__ import annotations

from dataclasses import dataclass

from diabolo import corruptions, latents, likelihoods, nets, penalties, pretrainings, priors
from diabolo.check import unknown
from diabolo.errors import ParameterError
from diabolo.model import Recipe
from diabolo.text import parse


@dataclass(frozen=True)
class Named:
    """A recipe with a name: what it is for, and where it is from."""

    name: str
    recipe: Recipe
    about: str
    source: str


_ROWS = (
    Named("vanilla", Recipe(nets.MLP()), "a dense net around a bottleneck", "Hinton, Salakhutdinov 2006"),
    Named(
        "undercomplete",
        Recipe(nets.MLP()),
        "the same: a code smaller than the data is all that limits it",
        "Hinton, Salakhutdinov 2006",
    ),
    Named(
        "overcomplete",
        Recipe(nets.MLP(), corruption=corruptions.GaussianNoise(0.3)),
        "for a code larger than the data: noise keeps it from copying",
        "Vincent et al. 2010",
    ),
    Named("linear", Recipe(nets.Linear()), "equals PCA, and is solved in closed form", "Baldi, Hornik 1989"),
    Named("sparse-l1", Recipe(nets.MLP(), latents.L1()), "few active units, by an L1 cost", "Ng 2011"),
    Named("sparse-kl", Recipe(nets.MLP(), latents.KLSparsity()), "units active a set share of the time", "Ng 2011"),
    Named("k-sparse", Recipe(nets.MLP(), latents.TopK()), "exactly k active units", "Makhzani, Frey 2014"),
    Named(
        "batch-k-sparse", Recipe(nets.MLP(), latents.BatchTopK()), "k active units on average", "Bussmann et al. 2024"
    ),
    Named(
        "contractive",
        Recipe(nets.MLP(), penalties=(penalties.Contractive(),)),
        "a code that small changes of the data hardly move",
        "Rifai et al. 2011",
    ),
    Named(
        "denoising",
        Recipe(nets.MLP(), corruption=corruptions.GaussianNoise(0.3)),
        "rebuilds the clean sample from a noisy one",
        "Vincent et al. 2008",
    ),
    Named(
        "stacked-denoising",
        Recipe(
            nets.MLP(bypass=False),
            corruption=corruptions.Masking(0.25),
            pretraining=pretrainings.Layerwise(corruptions.Masking(0.25)),
        ),
        "trained layer by layer, then as a whole",
        "Vincent et al. 2010",
    ),
    Named(
        "robust",
        Recipe(nets.MLP(), likelihood=likelihoods.Laplace()),
        "absolute errors: outliers count less",
        "Laplace 1774",
    ),
    Named(
        "vae",
        Recipe(nets.MLP(), latents.Gaussian(), likelihoods.SquaredError(0.3)),
        "a distribution of codes: samples, likelihoods",
        "Kingma, Welling 2014",
    ),
    Named(
        "beta-vae",
        Recipe(nets.MLP(), latents.Gaussian(beta=4.0), likelihoods.SquaredError(0.3)),
        "a dearer code: fewer, more independent factors",
        "Higgins et al. 2017",
    ),
    Named(
        "iwae",
        Recipe(nets.MLP(), latents.Gaussian(samples=5), likelihoods.SquaredError(0.3)),
        "a tighter bound, by several draws of the code",
        "Burda et al. 2016",
    ),
    Named(
        "tc-vae",
        Recipe(
            nets.MLP(), latents.Gaussian(), likelihoods.SquaredError(0.3), penalties=(penalties.TotalCorrelation(),)
        ),
        "independent factors, by a price on what they share",
        "Chen et al. 2018",
    ),
    Named(
        "factor-vae",
        Recipe(nets.MLP(), latents.Gaussian(), likelihoods.SquaredError(0.3), penalties=(penalties.Factor(),)),
        "the same, as told by a critic",
        "Kim, Mnih 2018",
    ),
    Named(
        "ladder",
        Recipe(nets.MLP(), latents.Ladder(), likelihoods.SquaredError(0.3)),
        "a code of two levels, of which the higher explains the lower",
        "Sønderby et al. 2016",
    ),
    Named(
        "hyperspherical",
        Recipe(nets.MLP(), latents.Hyperspherical(), likelihoods.SquaredError(0.3)),
        "codes on a sphere, for directions",
        "Davidson et al. 2018",
    ),
    Named(
        "adversarial",
        Recipe(nets.MLP(), penalties=(penalties.Adversarial(),)),
        "codes that a critic cannot tell from normal ones",
        "Makhzani et al. 2016",
    ),
    Named("rae", Recipe(nets.MLP(), latents.L2()), "short codes, for a density fitted to them", "Ghosh et al. 2020"),
    Named(
        "wae",
        Recipe(nets.MLP(), penalties=(penalties.MMD(),)),
        "codes that together look normal",
        "Tolstikhin et al. 2018",
    ),
    Named(
        "vq-vae",
        Recipe(nets.MLP(), latents.VectorQuantized()),
        "codes from a learned codebook",
        "van den Oord et al. 2017",
    ),
    Named(
        "rq-vae",
        Recipe(nets.MLP(), latents.ResidualQuantized()),
        "sums of vectors from several codebooks",
        "Lee et al. 2022",
    ),
    Named("fsq", Recipe(nets.MLP(), latents.FSQ()), "codes rounded to a few levels", "Mentzer et al. 2024"),
    Named("conv", Recipe(nets.Conv()), "convolutions, for images and series", "Masci et al. 2011"),
    Named(
        "conv-vae",
        Recipe(nets.Conv(), latents.Gaussian(), likelihoods.SquaredError(0.3)),
        "a variational one of convolutions",
        "Kingma, Welling 2014",
    ),
    Named("lstm", Recipe(nets.Recurrent()), "recurrent, for series", "Srivastava et al. 2015"),
    Named("gru", Recipe(nets.Recurrent(cell="gru")), "recurrent, with fewer gates", "Cho et al. 2014"),
    Named(
        "lstm-vae",
        Recipe(nets.Recurrent(), latents.Gaussian(), likelihoods.SquaredError(0.3)),
        "a variational one for series",
        "Bowman et al. 2016",
    ),
    Named(
        "unet",
        Recipe(nets.UNet(), corruption=corruptions.GaussianNoise(0.3)),
        "skips past the code, for restoring",
        "Ronneberger et al. 2015",
    ),
    Named(
        "masked",
        Recipe(nets.Transformer(), corruption=corruptions.MaskPatches()),
        "a transformer that fills in hidden patches",
        "He et al. 2022",
    ),
    Named(
        "map",
        Recipe(nets.Landmarks(), penalties=(penalties.Neighbourhood(),)),
        "neighbours stay together: two numbers to look at, for new samples too, and back",
        "after Damrich et al. 2023",
    ),
)

RECIPES: dict[str, Named] = {row.name: row for row in _ROWS}
"""The named recipes, by name."""

_MULT = nets.Bag((600,), (600,), "tanh", "none")
_DEEP = Recipe(nets.Bag((600, 600)), latents.Gaussian(0.5), likelihoods.Multinomial(), corruptions.Masking(0.5))

_OF_HISTORIES = (
    Named(
        "mult-dae",
        Recipe(_MULT, likelihood=likelihoods.Multinomial(), corruption=corruptions.Masking(0.5)),
        "rebuilds a history of which half is hidden",
        "Liang et al. 2018",
    ),
    Named(
        "mult-vae",
        Recipe(_MULT, latents.Gaussian(0.2), likelihoods.Multinomial(), corruptions.Masking(0.5)),
        "the same, by a distribution of codes",
        "Liang et al. 2018",
    ),
    Named(
        "deep-vae",
        _DEEP,
        "the same with a deeper encoder, a linear decoder and a dearer code: less is learnt by heart",
        "after Shenbin et al. 2020",
    ),
    Named(
        "rec-vae",
        _DEEP(latent__prior=priors.Composite()),
        "the same, held near to what an older encoder said of the same history",
        "after Shenbin et al. 2020",
    ),
    Named(
        "elsa",
        Recipe(nets.ELSA(), likelihood=likelihoods.Cosine()),
        "items as directions: linear, and none rebuilds itself",
        "Vančura et al. 2022",
    ),
)

OF_HISTORIES: dict[str, Named] = {row.name: row for row in _OF_HISTORIES}
"""The named recipes of interactions, by name: of what users did, never negative, and not to be scaled."""

_OF_VECTORS = (
    Named(
        "top-k",
        Recipe(nets.Atoms(), latents.TopK(positive=True), penalties=(penalties.Revive(),)),
        "exactly k atoms a vector, and none of them idle",
        "Gao et al. 2024",
    ),
    Named(
        "batch-top-k",
        Recipe(nets.Atoms(), latents.BatchTopK(), penalties=(penalties.Revive(),)),
        "k atoms on average: more for a rich vector",
        "Bussmann et al. 2024",
    ),
    Named(
        "tied",
        Recipe(nets.Atoms(tied=True), latents.TopK(positive=True), penalties=(penalties.Revive(),)),
        "the encoder looks along the atoms themselves",
        "Makhzani, Frey 2014",
    ),
    Named(
        "winner-take-all",
        Recipe(nets.Atoms(), latents.WinnerTakeAll(0.01)),
        "each atom has its share of the vectors: none is idle",
        "Makhzani, Frey 2015",
    ),
    Named(
        "jump-relu",
        Recipe(nets.Atoms(), latents.JumpReLU(), penalties=(penalties.Revive(),)),
        "a threshold for each atom, learned at a price on their number",
        "Rajamanoharan et al. 2024",
    ),
    Named(
        "gated",
        Recipe(nets.Atoms(), latents.Gated(), penalties=(penalties.Gate(),)),
        "a gate decides which atoms, and their size is not shrunk",
        "Rajamanoharan et al. 2024",
    ),
    Named(
        "matryoshka",
        Recipe(nets.Atoms(), latents.BatchTopK(), penalties=(penalties.Matryoshka(), penalties.Revive())),
        "the first atoms alone rebuild too: general ones before special ones",
        "Bussmann et al. 2025",
    ),
    Named(
        "archetypal",
        Recipe(nets.Archetypes(), latents.TopK(positive=True), penalties=(penalties.Revive(),)),
        "atoms are means of samples, so that they are much the same again with another seed",
        "Fel et al. 2025",
    ),
    Named("relu-l1", Recipe(nets.Atoms(), latents.L1(0.05)), "few atoms, by an L1 cost", "Bricken et al. 2023"),
    Named("sigmoid-kl", Recipe(nets.Atoms(), latents.KLSparsity()), "atoms in use a set share of the time", "Ng 2011"),
)

OF_VECTORS: dict[str, Named] = {row.name: row for row in _OF_VECTORS}
"""The named recipes of dictionaries, by name: of vectors in one scale."""


def named(recipe: Recipe | str) -> Recipe:
    """Return the recipe of this name, or as written out, or as it is.

    Raises
    ------
    ParameterError
        If there is no recipe of this name, or the text cannot be read.

    Examples
    --------
    >>> named("beta-vae").latent.beta
    4.0
    >>> named("Recipe(latent=TopK(4))")
    Recipe(latent=TopK(k=4))
    """
    read: object = parse(recipe, "") if isinstance(recipe, str) and "(" in recipe else recipe
    if isinstance(read, Recipe):
        return read
    if read is not recipe or not isinstance(recipe, str):
        raise ParameterError(f"Parameter 'recipe' must be a Recipe or the name of one; got {type(read).__name__}.")
    if recipe not in (known := RECIPES | OF_HISTORIES | OF_VECTORS):
        raise ParameterError(f"Parameter 'recipe': {unknown('recipe', recipe, known)}")
    return known[recipe].recipe
