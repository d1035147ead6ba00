"""Reports: plots and self-contained HTML from plain arrays."""

from diabolo.report.card import card, examples
from diabolo.report.code_map import code_map
from diabolo.report.comparison import comparison
from diabolo.report.cosines import cosine_map, nearest
from diabolo.report.curves import curves
from diabolo.report.frequencies import frequencies
from diabolo.report.gallery import gallery, walks
from diabolo.report.page import Page
from diabolo.report.pairs import pairs
from diabolo.report.places import course, heat
from diabolo.report.scores import scores
from diabolo.report.spectrum import spectrum
from diabolo.report.units import units

__all__ = [
    "Page",
    "card",
    "code_map",
    "comparison",
    "cosine_map",
    "course",
    "curves",
    "examples",
    "frequencies",
    "gallery",
    "heat",
    "nearest",
    "pairs",
    "scores",
    "spectrum",
    "units",
    "walks",
]
