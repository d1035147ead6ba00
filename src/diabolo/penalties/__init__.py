"""Penalties: further terms of the loss. A new file in this folder enters the table of parts by itself."""

from diabolo.part import discover
from diabolo.penalties.contractive import Contractive
from diabolo.penalties.mmd import MMD
from diabolo.penalties.orthogonal import Orthogonal
from diabolo.penalties.penalty import Encodes, Penalty

discover(__name__, __path__)

__all__ = ["MMD", "Contractive", "Encodes", "Orthogonal", "Penalty"]
