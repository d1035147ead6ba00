"""Steps of a recommender on histories that a power law draws: ours on sparse input, and the tutorial's on dense."""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.workers.protocol import Settings, Task, serve
from diabolo.recipes import named
from diabolo.training import Histories, Training, train

WIDTHS = (600, 200)


def histories(users: int, items: int, each: int) -> Any:
    """Return interactions (users, items), so many of each user, with items the rarer the higher their number."""
    draw = np.random.default_rng(0)
    popularity = np.arange(1.0, items + 1) ** -0.8
    chosen = np.argpartition(draw.exponential(size=(users, items)) / popularity, each, 1)[:, :each]  # without repeats
    entries = np.sort(chosen, 1).ravel(), np.arange(0, users * each + 1, each)
    return csr_array((np.ones(users * each, np.float32), *entries), (users, items))


def ours(settings: Settings) -> Task:
    """Train an epoch of the recipe: users per second."""
    x = histories(settings["batch_size"] * settings["steps"], settings["items"], settings["each"])
    training = Training(1, batch_size=settings["batch_size"], validation=0.0, precision=settings["precision"])
    model = named(settings["recipe"]).build((x.shape[1],), WIDTHS[1])

    def block(_: Settings) -> Settings:
        history = train(model, Histories(x), None, training)
        return {"step": [x.shape[0], sum(history.columns["seconds"])]}

    block({})
    return Task(block)


def tutorial(settings: Settings) -> Task:
    """Train an epoch as tutorials do: rows written out, log-softmax times x, Adam, and the loss read at every step."""
    x = histories(settings["batch_size"] * settings["steps"], settings["items"], settings["each"])
    model = MultVAE(x.shape[1])
    optimiser, draw = torch.optim.Adam(model.parameters(), lr=1e-3), np.random.default_rng(0)

    def block(_: Settings) -> Settings:
        started = perf_counter()
        for users in np.array_split(draw.permutation(x.shape[0]), settings["steps"]):
            loss = model(torch.FloatTensor(x[users].toarray()))
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            loss.item()
        return {"step": [x.shape[0], perf_counter() - started]}

    block({})
    return Task(block)


class MultVAE(nn.Module):
    """The net of Liang et al., WWW 2018, on dense rows; its loss."""

    def __init__(self, items: int) -> None:
        super().__init__()
        hidden, n = WIDTHS
        self.encoder = nn.Sequential(nn.Linear(items, hidden), nn.Tanh(), nn.Linear(hidden, 2 * n))
        self.decoder = nn.Sequential(nn.Linear(n, hidden), nn.Tanh(), nn.Linear(hidden, items))

    def forward(self, x: Tensor) -> Tensor:
        mean, log_var = self.encoder(F.dropout(F.normalize(x), 0.5)).chunk(2, 1)
        z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
        distortion = -(F.log_softmax(self.decoder(z), 1) * x).sum(1).mean()
        return distortion - 0.2 * 0.5 * (1 + log_var - mean.square() - log_var.exp()).sum(1).mean()


if __name__ == "__main__":
    serve({"ours": ours, "tutorial": tutorial})
