"""Schedules: numbers that change while training. A new file in this folder enters the table of parts by itself."""

from diabolo.part import discover
from diabolo.schedules.cycle import Cycle
from diabolo.schedules.schedule import KnobPath, Schedule
from diabolo.schedules.warm_up import WarmUp

discover(__name__, __path__)

__all__ = ["Cycle", "KnobPath", "Schedule", "WarmUp"]
