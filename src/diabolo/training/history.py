"""What happened in a run, as a table with a row per epoch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class History:
    """A table of a run: one column per quantity, one row per epoch.

    Parameters
    ----------
    columns : dict of list of float
        "epoch", "seconds", "learning_rate", "loss" and its terms, what is scheduled, such as "latent__beta", "held_out"
        where samples are held out.
    best_epoch : int
        The epoch whose weights were kept.
    stopped : str
        Why the run ended: "finished", "no progress" or "interrupted".
    stages : list of History
        The runs of the stages before this one, of a pretraining.

    Examples
    --------
    >>> history = History()
    >>> history.add({"epoch": 1, "loss": 0.5})
    >>> history.columns
    {'epoch': [1], 'loss': [0.5]}
    """

    columns: dict[str, list[float]] = field(default_factory=dict)
    best_epoch: int = 0
    stopped: str = "finished"
    stages: list[History] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.columns.get("epoch", ()))

    def add(self, row: dict[str, float]) -> None:
        """Add a row."""
        for name, value in row.items():
            self.columns.setdefault(name, []).append(value)

    def rows(self) -> list[dict[str, float]]:
        """Return the table as a list of rows."""
        return [dict(zip(self.columns, values, strict=True)) for values in zip(*self.columns.values(), strict=True)]

    def to_json(self) -> dict[str, Any]:
        """Return the history as plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> History:
        """Return the history that `to_json` described."""
        stages = [cls.from_json(stage) for stage in plain["stages"]]
        return cls(plain["columns"], plain["best_epoch"], plain["stopped"], stages)

    def facts(self) -> dict[str, Any]:
        """Return what is worth knowing of the run, in a few words.

        Examples
        --------
        >>> History({"epoch": [1], "seconds": [0.5]}, best_epoch=1).facts()
        {'epochs': 1, 'best epoch': 1, 'ended': 'finished', 'seconds': 0.5}
        """
        return {
            "epochs": len(self),
            "best epoch": self.best_epoch,
            "ended": self.stopped,
            "seconds": round(sum(self.columns.get("seconds", [])), 3),
        }

    def last(self, name: str) -> float:
        """Return the newest value of a column."""
        return self.columns[name][-1]
