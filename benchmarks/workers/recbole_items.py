"""RecBole's EASE and MultiVAE: its own reading, models and training, told of users as its models tell themselves.

RecBole recommends to the users that it trained on. Others are put in the place of those: EASE keeps the histories as a
matrix and MultiVAE as padded lists, and both compute scores from them by `full_sort_predict`. MultiVAE stops early by
our measure on the validation users instead of RecBole's on its own split; what RecBole saves and loads is not used.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import torch
from recbole.config import Config
from recbole.data import create_dataset
from recbole.data.dataloader import UserDataLoader
from recbole.data.dataset import Dataset
from recbole.model.general_recommender import EASE, MultiVAE
from recbole.trainer import Trainer
from recbole.utils import init_seed
from scipy.sparse import csr_array, csr_matrix

from benchmarks.workers.interactions import Part, size
from benchmarks.workers.protocol import Settings, serve
from benchmarks.workers.ranking import best
from benchmarks.workers.recommending import Learned, Recommend, items, score, searched

GRID = [{"reg_weight": weight} for weight in (100.0, 250.0, 500.0, 1000.0)]
"""Smaller ones are worse on the smallest sets."""
SECONDS = 600
"""Of the processor, after which MultiVAE begins no other epoch."""
_NAME, _AT_ONCE = "set", 500

Scores = Callable[[csr_matrix], torch.Tensor]
"""From histories (B, I) in RecBole's numbers to scores, B·I of them."""


@dataclass(frozen=True, eq=False)
class Read:
    """Interactions as RecBole has read them.

    Parameters
    ----------
    config : Config
        With its settings.
    dataset : Dataset
        That trains.
    numbers : np.ndarray
        RecBole's number of each item (I,): 0, which it pads with, for one that nobody trained on.
    """

    config: Config
    dataset: Dataset
    numbers: np.ndarray

    def renumbered(self, histories: csr_array) -> csr_matrix:
        """Return histories (B, I') in RecBole's numbers."""
        rows, columns = histories.nonzero()
        numbers = self.numbers[columns]
        shape = size(histories)[0], self.dataset.item_num
        return csr_matrix((np.ones((numbers > 0).sum(), np.float32), (rows[numbers > 0], numbers[numbers > 0])), shape)

    def recommend(self, scores: Scores, part: Part) -> np.ndarray:
        """Return the items (B, 100) of the highest scores for users with these histories."""
        found = []
        with torch.inference_mode():
            for start in range(0, size(part.histories)[0], _AT_ONCE):
                histories = part.histories[start : start + _AT_ONCE]
                block = scores(self.renumbered(histories)).reshape(size(histories)[0], -1).numpy()
                found.append(best(np.where(self.numbers > 0, block[:, self.numbers], -np.inf), histories))
        return np.concatenate(found)


def read(train: csr_array, model: str, knobs: Mapping[str, Any], seed: int) -> Read:
    """Write interactions (U, I) to a file as RecBole wants it, and let it read them."""
    folder = Path(tempfile.mkdtemp(dir="."))
    (folder / _NAME).mkdir()
    rows, columns = train.nonzero()
    path = folder / _NAME / f"{_NAME}.train.inter"
    pairs = np.column_stack([rows, columns])
    np.savetxt(path, pairs, "%d", "\t", header="user_id:token\titem_id:token", comments="")
    told = {"data_path": str(folder), "benchmark_filename": ["train"], "seed": seed, "use_gpu": False}
    config = Config(model, _NAME, config_dict=told | dict(knobs))
    init_seed(seed, reproducibility=True)
    (dataset,) = create_dataset(config).build()
    numbers = np.zeros(size(train)[1], np.int64)
    ids = dataset.field2id_token[dataset.iid_field][1:]
    numbers[ids.astype(np.int64)] = np.arange(1, len(ids) + 1)
    return Read(config, dataset, numbers)


def ease(part: Part, knobs: Mapping[str, Any], seed: int) -> Recommend:
    """Return what RecBole's EASE recommends; making it fits it."""
    source = read(part.train, "EASE", knobs, seed)
    model = EASE(source.config, source.dataset)

    def scores(histories: csr_matrix) -> torch.Tensor:
        model.interaction_matrix = histories
        return model.full_sort_predict({model.USER_ID: torch.arange(size(histories)[0])})

    return partial(source.recommend, scores)


class Watched(Trainer):
    """RecBole's trainer, with an eye on our validation users and on the time.

    Parameters
    ----------
    config, model
        As RecBole has them.
    judge : callable
        Gives the score of the model as it is.
    """

    def __init__(self, config: Config, model: MultiVAE, judge: Callable[[], float]) -> None:
        super().__init__(config, model)
        self.judge, self.started = judge, process_time()
        self.scores: list[float] = []
        self.best: dict[str, torch.Tensor] = {}

    @property
    def late(self) -> bool:
        """Whether the time is over."""
        return process_time() - self.started > SECONDS

    def _valid_epoch(self, valid_data: Any, show_progress: bool = False) -> tuple[float, dict[str, float]]:
        self.model.eval()
        score = self.judge()
        if score > max(self.scores, default=-np.inf):
            self.best = {name: weight.clone() for name, weight in self.model.state_dict().items()}
        self.scores.append(score)
        if self.late:
            raise TimeoutError
        return score, {"ndcg": score}


def variational(valid: Part, test: Part, asked: Settings) -> Learned:
    """Train RecBole's MultiVAE with its defaults until it is no better for the validation users for ten epochs.

    It learns from what is trained on while settings are chosen, though for the test there may be more to learn from.
    """
    started = process_time()
    source = read(valid.train, "MultiVAE", {}, asked["seed"])
    model = MultiVAE(source.config, source.dataset)

    def scores(histories: csr_matrix) -> torch.Tensor:
        own = model.history_item_id, model.history_item_value
        model.history_item_id, model.history_item_value = padded(histories)
        found = model.full_sort_predict({model.USER_ID: torch.arange(size(histories)[0])})
        model.history_item_id, model.history_item_value = own
        return found

    recommend = partial(source.recommend, scores)
    trainer = Watched(source.config, model, lambda: score(recommend, valid, asked))
    with suppress(TimeoutError):
        trainer.fit(UserDataLoader(source.config, source.dataset, None, shuffle=True), valid, False, saved=False)
    chosen = {"epochs": 1 + int(np.argmax(trainer.scores)), "of": len(trainer.scores), "out of time": trainer.late}
    model.load_state_dict(trainer.best)
    model.eval()
    return Learned(recommend, 0.0, process_time() - started, chosen)


def padded(histories: csr_matrix) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the items (B, L) of histories and their values, 1, both filled with 0."""
    sizes = np.diff(histories.indptr)
    ids = np.zeros((len(sizes), sizes.max()), np.int64)
    filled = np.arange(ids.shape[1]) < sizes[:, None]
    ids[filled] = histories.indices
    return torch.from_numpy(ids), torch.from_numpy(filled.astype(np.float32))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # it keeps files wherever it runs
        serve({"items": items({"EASE": searched(ease, GRID), "MultiVAE": variational})})
