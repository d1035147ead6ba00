"""Tables of records to generate: NSL-KDD and tables of ADBench, with their label as one more column."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.workers.sets import FOLDER, SPLITS

INTRUSIONS, LABEL = "nsl_kdd", "label"
_HELD = 0.1


@dataclass(frozen=True)
class Records:
    """Rows to learn from, others of the same kind, and those that a classifier is tested on."""

    train: pd.DataFrame
    held_out: pd.DataFrame
    test: pd.DataFrame


def records(table: str, seed: int) -> Records:
    """Return the rows of a table, by its name; the label is text, "attack" or "anomaly" against "normal".

    Of the 25,192 rows of NSL-KDD, a random tenth is held out; KDDTest+ tests, with all its columns but the difficulty,
    which no file of records would have, the attacks being one class. Of a table of ADBench, rows that occur twice are
    dropped, 70 % of the usual ones and of the anomalies are learnt from, at random, and the others are held out and
    test. Columns of whole numbers are integers.
    """
    if table == INTRUSIONS:
        every, test = _intrusions("Train+_20Percent"), _intrusions("Test+")
        order = np.random.default_rng(seed).permutation(len(every))
        held_out, train = np.split(order, [round(_HELD * len(order))])
        return Records(_rows(every, train), _rows(every, held_out), test)
    every = _anomalies(table)
    train, test = SPLITS["contaminated"]((every[LABEL] == "anomaly").to_numpy(), np.random.default_rng(seed))
    return Records(_rows(every, train), _rows(every, test), _rows(every, test))


def few(frame: pd.DataFrame) -> list[Hashable]:
    """Return the columns of text and of at most ten values: peers are told that they are categories, ours finds out."""
    return [name for name, column in frame.items() if column.dtype.kind not in "if" or column.nunique() <= 10]


def _intrusions(part: str) -> pd.DataFrame:
    folder = FOLDER / "nsl_kdd"
    names = (folder / "Field_Names.csv").read_text("utf-8").split()
    frame = pd.read_csv(folder / f"KDD{part}.txt.gz", header=None).iloc[:, : len(names) + 1]
    frame.columns = [*(name.partition(",")[0] for name in names), LABEL]
    return frame.assign(**{LABEL: np.where(frame[LABEL] == "normal", "normal", "attack")})


def _anomalies(table: str) -> pd.DataFrame:
    with np.load(FOLDER / "adbench" / f"{table}.npz", allow_pickle=False) as file:
        both = np.unique(np.column_stack([file["X"].astype(np.float64), file["y"]]), axis=0)
    frame = pd.DataFrame(both[:, :-1]).rename(columns=lambda i: f"x{i}")
    whole = [name for name, column in frame.items() if (column == column.round()).all()]
    return frame.astype(dict.fromkeys(whole, "int64")).assign(
        **{LABEL: np.where(both[:, -1] == 1, "anomaly", "normal")}
    )


def _rows(frame: pd.DataFrame, places: np.ndarray) -> pd.DataFrame:
    return frame.iloc[places].reset_index(drop=True)
