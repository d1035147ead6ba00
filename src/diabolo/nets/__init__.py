"""Nets: encoders and their mirror decoders. A new file in this folder enters the table of parts by itself."""

from diabolo.nets.archetypes import Archetypes
from diabolo.nets.atoms import Atoms
from diabolo.nets.auto import Auto
from diabolo.nets.bag import Bag
from diabolo.nets.conv import Conv
from diabolo.nets.elsa import ELSA
from diabolo.nets.landmarks import Landmarks
from diabolo.nets.lapped import Lapped
from diabolo.nets.linear import Linear
from diabolo.nets.mlp import MLP
from diabolo.nets.net import Local, Net, Pair, Principal, Skips
from diabolo.nets.recurrent import Recurrent
from diabolo.nets.resunet import ResUNet
from diabolo.nets.seasonal import Seasonal
from diabolo.nets.transformer import Transformer
from diabolo.nets.unet import UNet
from diabolo.part import discover

discover(__name__, __path__)

__all__ = [
    "ELSA",
    "MLP",
    "Archetypes",
    "Atoms",
    "Auto",
    "Bag",
    "Conv",
    "Landmarks",
    "Lapped",
    "Linear",
    "Local",
    "Net",
    "Pair",
    "Principal",
    "Recurrent",
    "ResUNet",
    "Seasonal",
    "Skips",
    "Transformer",
    "UNet",
]
