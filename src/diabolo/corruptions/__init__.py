"""Corruptions: noise on the way in. A new file in this folder enters the table of parts by itself."""

from diabolo.corruptions.affine import Affine
from diabolo.corruptions.blind_noise import BlindNoise
from diabolo.corruptions.blind_spot import BlindSpot
from diabolo.corruptions.blur import Blur
from diabolo.corruptions.cells import Cells
from diabolo.corruptions.chain import Chain
from diabolo.corruptions.clip import Clip
from diabolo.corruptions.corruption import Corruption
from diabolo.corruptions.gaps import Gaps
from diabolo.corruptions.gaussian_noise import GaussianNoise
from diabolo.corruptions.grayscale import Grayscale
from diabolo.corruptions.mask_patches import MaskPatches
from diabolo.corruptions.masking import Masking
from diabolo.corruptions.poisson_noise import PoissonNoise
from diabolo.corruptions.salt_and_pepper import SaltAndPepper
from diabolo.corruptions.swap_noise import SwapNoise
from diabolo.part import discover

discover(__name__, __path__)

__all__ = [
    "Affine",
    "BlindNoise",
    "BlindSpot",
    "Blur",
    "Cells",
    "Chain",
    "Clip",
    "Corruption",
    "Gaps",
    "GaussianNoise",
    "Grayscale",
    "MaskPatches",
    "Masking",
    "PoissonNoise",
    "SaltAndPepper",
    "SwapNoise",
]
