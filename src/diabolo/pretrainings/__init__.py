"""Pretrainings: what is trained before the whole. A new file in this folder enters the table of parts by itself."""

from diabolo.part import discover
from diabolo.pretrainings.layerwise import Layerwise
from diabolo.pretrainings.pretraining import Pretraining, Stacked
from diabolo.pretrainings.stage import Stage

discover(__name__, __path__)

__all__ = ["Layerwise", "Pretraining", "Stacked", "Stage"]
