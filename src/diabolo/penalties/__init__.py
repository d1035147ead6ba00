"""Penalties: further terms of the loss. A new file in this folder enters the table of parts by itself."""

from diabolo.part import discover
from diabolo.penalties.adversarial import Adversarial
from diabolo.penalties.contractive import Contractive
from diabolo.penalties.critic import Critic
from diabolo.penalties.factor import Factor
from diabolo.penalties.gate import Gate
from diabolo.penalties.isometry import Isometry
from diabolo.penalties.matryoshka import Matryoshka
from diabolo.penalties.mmd import MMD
from diabolo.penalties.neighbourhood import Neighbourhood
from diabolo.penalties.orthogonal import Orthogonal
from diabolo.penalties.penalty import Encodes, Penalty
from diabolo.penalties.revive import Revive
from diabolo.penalties.similarity import Similarity
from diabolo.penalties.smooth import Smooth
from diabolo.penalties.topology import Topology
from diabolo.penalties.total_correlation import TotalCorrelation

discover(__name__, __path__)

__all__ = [
    "MMD",
    "Adversarial",
    "Contractive",
    "Critic",
    "Encodes",
    "Factor",
    "Gate",
    "Isometry",
    "Matryoshka",
    "Neighbourhood",
    "Orthogonal",
    "Penalty",
    "Revive",
    "Similarity",
    "Smooth",
    "Topology",
    "TotalCorrelation",
]
