"""Latents: what the code is and what it costs. A new file in this folder enters the table of parts by itself."""

from diabolo.latents.batch_top_k import BatchTopK
from diabolo.latents.factorized import Factorized
from diabolo.latents.fsq import FSQ
from diabolo.latents.gated import Gated
from diabolo.latents.gaussian import Gaussian
from diabolo.latents.hyperspherical import Hyperspherical
from diabolo.latents.jump_relu import JumpReLU
from diabolo.latents.kl_sparsity import KLSparsity
from diabolo.latents.l1 import L1
from diabolo.latents.l2 import L2
from diabolo.latents.ladder import Ladder
from diabolo.latents.latent import Latent, LatentModule, Weightless
from diabolo.latents.plain import Plain
from diabolo.latents.power_spherical import PowerSpherical
from diabolo.latents.residual_quantized import ResidualQuantized
from diabolo.latents.top_k import TopK
from diabolo.latents.vector_quantized import VectorQuantized
from diabolo.latents.winner_take_all import WinnerTakeAll
from diabolo.part import discover

discover(__name__, __path__)

__all__ = [
    "FSQ",
    "L1",
    "L2",
    "BatchTopK",
    "Factorized",
    "Gated",
    "Gaussian",
    "Hyperspherical",
    "JumpReLU",
    "KLSparsity",
    "Ladder",
    "Latent",
    "LatentModule",
    "Plain",
    "PowerSpherical",
    "ResidualQuantized",
    "TopK",
    "VectorQuantized",
    "Weightless",
    "WinnerTakeAll",
]
