"""Neighbours: which samples lie near each other, how surely, and where a map puts them."""

from diabolo.neighbours.cells import cells
from diabolo.neighbours.graph import Graph, memberships
from diabolo.neighbours.layout import layout
from diabolo.neighbours.middle import middle
from diabolo.neighbours.pairing import Pairing
from diabolo.neighbours.projection import Projection
from diabolo.neighbours.search import nearest

__all__ = ["Graph", "Pairing", "Projection", "cells", "layout", "memberships", "middle", "nearest"]
