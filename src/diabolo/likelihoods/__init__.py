"""Likelihoods: how far a sample lies from what the decoder says. New files here enter the table of parts."""

from diabolo.likelihoods.auto import Auto, Bounds
from diabolo.likelihoods.bernoulli import Bernoulli
from diabolo.likelihoods.binned import Binned
from diabolo.likelihoods.categorical import Categorical
from diabolo.likelihoods.chromatic import Chromatic
from diabolo.likelihoods.clipped import Clipped
from diabolo.likelihoods.cosine import Cosine
from diabolo.likelihoods.discretized_logistic import DiscretizedLogistic
from diabolo.likelihoods.gaussian import Gaussian
from diabolo.likelihoods.laplace import Laplace
from diabolo.likelihoods.likelihood import Domain, Likelihood
from diabolo.likelihoods.logistic_mixture import LogisticMixture
from diabolo.likelihoods.mixed import Mixed
from diabolo.likelihoods.multinomial import Multinomial
from diabolo.likelihoods.negative_binomial import NegativeBinomial
from diabolo.likelihoods.observed import Observed
from diabolo.likelihoods.poisson import Poisson
from diabolo.likelihoods.shared_gaussian import SharedGaussian
from diabolo.likelihoods.squared_error import SquaredError
from diabolo.likelihoods.stepwise import Stepwise
from diabolo.likelihoods.switching import Switching
from diabolo.likelihoods.zero_inflated import ZeroInflated
from diabolo.part import discover

discover(__name__, __path__)

__all__ = [
    "Auto",
    "Bernoulli",
    "Binned",
    "Bounds",
    "Categorical",
    "Chromatic",
    "Clipped",
    "Cosine",
    "DiscretizedLogistic",
    "Domain",
    "Gaussian",
    "Laplace",
    "Likelihood",
    "LogisticMixture",
    "Mixed",
    "Multinomial",
    "NegativeBinomial",
    "Observed",
    "Poisson",
    "SharedGaussian",
    "SquaredError",
    "Stepwise",
    "Switching",
    "ZeroInflated",
]
