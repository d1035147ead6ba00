"""Our generator with its defaults, on tables of records."""

from __future__ import annotations

import warnings
from time import perf_counter, process_time

from benchmarks.workers.protocol import Settings, Task, serve
from benchmarks.workers.records import records
from benchmarks.workers.sets import load
from diabolo import Generator, Training


def rows(settings: Settings) -> Task:
    """Fit on the training rows of a table, and write as many new ones: the seconds of both, and the epochs."""
    Generator(2, training=Training(epochs=1)).fit(load("normal", 64, 5)).sample(5)

    def block(asked: Settings) -> Settings:
        train = records(asked["table"], asked["seed"]).train
        clock, started = process_time(), perf_counter()
        generator = Generator(random_state=asked["seed"]).fit(train)
        fitted = process_time() - clock
        made = generator.sample(len(train), seed=asked["seed"])
        seconds, waited = process_time() - clock, perf_counter() - started
        made.to_csv(asked["path"], index=False)
        return {"fit": fitted, "seconds": seconds, "waited": waited, "epochs": len(generator.history_)}

    return Task(block)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    serve({"rows": rows})
