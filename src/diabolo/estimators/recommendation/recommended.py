"""The report of a recommender: how good its lists are beside popularity, what they show, and some of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from diabolo.estimators.recommendation import judging
from diabolo.estimators.recommendation.asking import named
from diabolo.metrics import Ranking
from diabolo.rankers import ranked
from diabolo.rankers.popularity import Counts
from diabolo.report import Page, curves

if TYPE_CHECKING:
    from diabolo.estimators.recommendation.recommender import Recommender

_USERS, _ITEMS = 8, 5
"""How many users are shown, and how many items of each."""


def report(recommender: Recommender, X: Any, y: Any = None) -> Page:
    """Return the page of a recommender on users."""
    histories, targets = judging.parts(recommender, X, y)
    facts = recommender.facts()
    page = Page(f"Recommender: {facts['items']:,} items for {histories.shape[0]:,} users")
    page.paragraph(f"{facts['model']}\n{facts['scores']}")
    page.table([{name: facts[name] for name in ("users", "items", "interactions")} | recommender.history_.facts()])
    page.heading("What was kept back of each history, found again")
    at = (20, 50, 100)
    floor = Counts(recommender.interactions_.counts)
    ours, popular = (judging.judged(recommender, s, histories, targets, at) for s in (recommender.scorer_, floor))
    page.table(_beside(ours, popular))
    page.facts = {"users": histories.shape[0], **_numbers("", ours), **_numbers("popularity: ", popular)}
    page.paragraph("Each is the mean over users ± its standard error. Users that were learned from are found too well.")
    page.heading("Some lists")
    page.table(_lists(recommender, histories[:_USERS]))
    if len(recommender.history_):
        page.heading("Loss over training")
        page.figure(curves(recommender.history_.columns), "loss per epoch")
    return page


def _numbers(before: str, ranking: Ranking) -> dict[str, float]:
    """Return the means of the measures that are looked at first."""
    rows = [row for row in ranking.rows if row.measure in ("recall", "ndcg")]
    return {f"{before}{row.measure} at {row.at}": row.mean for row in rows}


def _beside(ours: Ranking, popular: Ranking) -> list[dict[str, object]]:
    """Return a row for each measure, the model and popularity side by side."""
    return [
        {"measure": f"{row['measure']} at {row['at']}", "model": _told(row), "popularity": _told(floor)}
        for row, floor in zip(ours.table(), popular.table(), strict=True)
    ]


def _told(row: dict[str, Any]) -> str:
    return f"{row['mean']:.4f}" + ("" if row["error"] is None else f" ± {row['error']:.4f}")


def _lists(recommender: Recommender, histories: Any) -> list[dict[str, object]]:
    """Return what some users have most of, and what is recommended to them."""
    items = recommender.interactions_.items
    n = min(_ITEMS, len(items))
    numbers = np.concatenate([numbers for numbers, _ in ranked(recommender.scorer_, histories, n, seen=histories)])
    rows = []
    for i, own in enumerate(numbers):
        history = histories[[i]]
        most = history.indices[np.argsort(-history.data, kind="stable")[:_ITEMS]]
        shown = ", ".join(map(str, named(items, most)))
        rows.append({"has": shown, "is recommended": ", ".join(map(str, named(items, own[own >= 0])))})
    return rows
