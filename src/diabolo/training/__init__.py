"""Training: one loop, and what it stands on."""

from diabolo.training.batches import Rows, Source, split
from diabolo.training.callbacks import Callback, Log, Progress
from diabolo.training.device import resolve
from diabolo.training.histories import Histories
from diabolo.training.history import History
from diabolo.training.loop import train
from diabolo.training.pairs import paired
from diabolo.training.plan import Plan, Training
from diabolo.training.setting import Setting
from diabolo.training.stages import train_in_stages
from diabolo.training.stream import Stream

__all__ = [
    "Callback",
    "Histories",
    "History",
    "Log",
    "Plan",
    "Progress",
    "Rows",
    "Setting",
    "Source",
    "Stream",
    "Training",
    "paired",
    "resolve",
    "split",
    "train",
    "train_in_stages",
]
