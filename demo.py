"""Train ten kinds of autoencoder on the handwritten digits that come with scikit-learn, and compare them with PCA.

Prints one table and writes demo.html: run it with ``make demo``.
"""

from __future__ import annotations

import sys
import time
import warnings
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_digits

from diabolo import Reducer, Training
from diabolo.data import kind
from diabolo.errors import DiaboloWarning
from diabolo.recipes import RECIPES
from diabolo.report import Page, code_map, comparison, curves, pairs

CODE = 8
KINDS = ("linear", "vanilla", "k-sparse", "contractive", "denoising", "stacked-denoising", "vae", "fsq", "conv", "lstm")
TRAINING = Training(epochs=60)


def main() -> None:
    """Train, print, write."""
    digits = load_digits()
    images = (digits.images[:, None] * (255 / 16)).round().astype(np.uint8)  # (1797, 1, 8, 8)
    train, test = images[:1500], images[1500:]
    page = Page("diabolo: ten kinds of autoencoder on 1,797 digits")
    page.paragraph(f"Each squeezes 8 × 8 pixels into {CODE} numbers. Trained on 1,500 digits, judged on 297 others.")
    rows, fitted = [], {}
    for name in KINDS:
        row, reducer = run(name, train, test)
        rows.append(row)
        fitted[name] = reducer
        sys.stderr.write(f"{name}: error / PCA error {row['error / PCA error']:.3f}, {row['seconds']:.1f} s\n")
    show(rows)
    lay_out(page, rows, fitted, test, digits.target[1500:])
    page.save("demo.html")
    sys.stdout.write("wrote demo.html\n")


def run(name: str, train: np.ndarray, test: np.ndarray) -> tuple[dict[str, Any], Reducer]:
    """Fit one recipe and return its row of the table."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DiaboloWarning)  # the table itself says which are not better than PCA
        started = time.perf_counter()
        reducer = Reducer(CODE, recipe=name, training=TRAINING, random_state=0).fit(train)
        seconds = time.perf_counter() - started
    error = float(np.square((reducer.reconstruct(test).astype(float) - test) / 255).mean())
    ratio = (1 - reducer.score(test)) / (1 - pca_score(reducer, test))
    row = {"recipe": name, "code": CODE, "test error": error, "error / PCA error": ratio, "seconds": round(seconds, 1)}
    return row | {"epochs": len(reducer.history_)}, reducer


def pca_score(reducer: Reducer, test: np.ndarray) -> float:
    """Return the share of variance that PCA of the same size keeps."""
    flat = (reducer.scaling_.batch(reducer.scaling_.tensor(test))).flatten(1).double()
    lost = (reducer.pca_.reconstruct(flat) - flat).square().sum() / (flat - reducer.pca_.mean).square().sum()
    return 1 - float(lost)


def show(rows: list[dict[str, Any]]) -> None:
    """Print the table."""
    table = Table(title=f"digits, code of {CODE}")
    for name in rows[0]:
        table.add_column(name, justify="left" if name == "recipe" else "right")
    for row in rows:
        table.add_row(*(f"{value:.4g}" if isinstance(value, float) else str(value) for value in row.values()))
    Console(width=100).print(table)


def lay_out(
    page: Page, rows: list[dict[str, Any]], fitted: dict[str, Reducer], test: np.ndarray, labels: np.ndarray
) -> None:
    """Put the table and the pictures on the page."""
    page.table(rows)
    page.figure(
        comparison({row["recipe"]: row["test error"] for row in rows}), "Error per pixel in [0, 1] on the test digits"
    )
    for name, reducer in fitted.items():
        page.heading(f"{name}: {RECIPES[name].about}")
        page.paragraph(f"{RECIPES[name].recipe}\n{RECIPES[name].recipe.equation()}")
        page.figure(
            pairs(test[:10], reducer.reconstruct(test[:10]), kind(reducer.shape_)), "Input, reconstruction, difference"
        )
        page.figure(code_map(reducer.transform(test), labels), "The code, coloured by digit")
        if len(reducer.history_):
            page.figure(curves(reducer.history_.columns), "Loss")


if __name__ == "__main__":
    main()
