"""Reports: plots and self-contained HTML from plain arrays."""

from diabolo.report.code_map import code_map
from diabolo.report.comparison import comparison
from diabolo.report.curves import curves
from diabolo.report.gallery import gallery, walks
from diabolo.report.page import Page
from diabolo.report.pairs import pairs
from diabolo.report.places import course, heat
from diabolo.report.scores import scores
from diabolo.report.spectrum import spectrum
from diabolo.report.units import units

__all__ = [
    "Page",
    "code_map",
    "comparison",
    "course",
    "curves",
    "gallery",
    "heat",
    "pairs",
    "scores",
    "spectrum",
    "units",
    "walks",
]
