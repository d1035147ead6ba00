"""The tabular generators of the package ctgan, TVAE and CTGAN, as they come, ended after so many seconds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from time import perf_counter, process_time
from typing import Any

import numpy as np
import pandas as pd
import torch
from ctgan.synthesizers import ctgan as of_ctgan
from ctgan.synthesizers import tvae as of_tvae

from benchmarks.workers.protocol import Settings, Task, serve
from benchmarks.workers.records import few, records

MODELS = {"TVAE": (of_tvae.TVAE, of_tvae), "CTGAN": (of_ctgan.CTGAN, of_ctgan)}


class Clock:
    """In place of the progress bar that both loop over: epochs until the processor seconds are over."""

    def __init__(self, seconds: float) -> None:
        self.started, self.seconds, self.epochs = process_time(), seconds, 0

    def __call__(self, epochs: Iterable[int], **_: Any) -> Iterator[int]:
        """Yield the epochs that there is time for, one at least."""
        for epoch in epochs:
            if self.epochs and process_time() - self.started > self.seconds:
                return
            yield epoch
            self.epochs += 1


def rows(settings: Settings) -> Task:
    """Fit on the training rows of a table, and write as many new ones: the seconds of both, and the epochs."""
    make, module = MODELS[settings["model"]]
    warm = pd.DataFrame({"a": np.random.default_rng(0).normal(size=1000), "b": ["x", "y"] * 500})
    make(epochs=1).fit(warm, ["b"])

    def block(asked: Settings) -> Settings:
        train = records(asked["table"], asked["seed"]).train
        np.random.seed(asked["seed"])  # noqa: NPY002, it is what they draw from
        torch.manual_seed(asked["seed"])
        started, clock = perf_counter(), Clock(asked["seconds"])
        vars(module)["tqdm"] = clock
        model = make()
        model.fit(train, few(train))
        fitted = process_time() - clock.started
        made = model.sample(len(train))
        seconds, waited = process_time() - clock.started, perf_counter() - started
        made.to_csv(asked["path"], index=False)
        return {"fit": fitted, "seconds": seconds, "waited": waited, "epochs": clock.epochs}

    return Task(block)


if __name__ == "__main__":
    serve({"rows": rows})
