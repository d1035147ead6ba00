"""Reports: plots and self-contained HTML from plain arrays."""

from diabolo.report.code_map import code_map
from diabolo.report.comparison import comparison
from diabolo.report.curves import curves
from diabolo.report.page import Page
from diabolo.report.pairs import pairs
from diabolo.report.places import course, heat
from diabolo.report.scores import scores
from diabolo.report.spectrum import spectrum

__all__ = ["Page", "code_map", "comparison", "course", "curves", "heat", "pairs", "scores", "spectrum"]
