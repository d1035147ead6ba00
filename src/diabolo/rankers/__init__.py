"""Rankers: which items to recommend, learned from the histories of users. A new file enters the table by itself."""

from diabolo.part import discover
from diabolo.rankers.auto import Auto
from diabolo.rankers.blend import Blend
from diabolo.rankers.ease import EASE
from diabolo.rankers.judging import Held
from diabolo.rankers.low_rank import LowRank
from diabolo.rankers.named import RANKERS, named_ranker
from diabolo.rankers.neighbourhood import Neighbourhood
from diabolo.rankers.popularity import Popularity
from diabolo.rankers.ranker import Ranker, Scorer, Setting
from diabolo.rankers.top import ranked
from diabolo.rankers.trained import Trained

discover(__name__, __path__)

__all__ = [
    "EASE",
    "RANKERS",
    "Auto",
    "Blend",
    "Held",
    "LowRank",
    "Neighbourhood",
    "Popularity",
    "Ranker",
    "Scorer",
    "Setting",
    "Trained",
    "named_ranker",
    "ranked",
]
