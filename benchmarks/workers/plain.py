"""The loop of the tutorials: a data loader over single samples, Adam, and the loss read at every step."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.workers.counting import flop
from benchmarks.workers.protocol import Settings, Task, serve
from benchmarks.workers.sets import load


def fit(settings: Settings) -> Task:
    """Train on a set: samples per second in the epochs."""
    X = load(*settings["data"])
    x = torch.from_numpy(X).float() / 255 if X.dtype == np.uint8 else torch.from_numpy(X)
    x = x.flatten(1) if x.ndim == 4 else x
    batch = settings["batch_size"]
    make = NETS[settings["net"]]
    _epoch(make(x, settings), x[: 2 * batch], batch, None)

    def block(_: Settings) -> Settings:
        torch.manual_seed(settings.get("seed", 0))
        model = make(x, settings)
        optimiser = torch.optim.Adam(model.parameters(), lr=1e-3)
        started = perf_counter()
        for _epochs in range(settings["epochs"]):
            _epoch(model, x, batch, optimiser)
        return {"epoch": [settings["epochs"] * len(x), perf_counter() - started]}

    model = make(x, settings)
    return Task(block, flop(lambda: model(x[:batch]), batch))


def _epoch(model: nn.Module, x: Tensor, batch: int, optimiser: torch.optim.Optimizer | None) -> float:
    """Return the mean loss of one epoch, after which every parameter has moved."""
    optimiser = optimiser or torch.optim.Adam(model.parameters(), lr=1e-3)
    total = 0.0
    for (sample,) in DataLoader(TensorDataset(x), batch_size=batch, shuffle=True):
        optimiser.zero_grad()
        loss = model(sample)
        loss.backward()
        optimiser.step()
        total += loss.item()
    return total


class Dense(nn.Module):
    """Input → hidden → code and back, with a sigmoid at the end where the data are images; its loss."""

    def __init__(self, inputs: int, hidden: int, n: int, ends: tuple[nn.Module, ...], variational: bool) -> None:
        super().__init__()
        self.variational = variational
        width = 2 * n if variational else n
        self.encoder = nn.Sequential(nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, width))
        self.decoder = nn.Sequential(nn.Linear(n, hidden), nn.ReLU(), nn.Linear(hidden, inputs), *ends)

    def forward(self, x: Tensor) -> Tensor:
        h = self.encoder(x)
        if not self.variational:
            return F.mse_loss(self.decoder(h), x, reduction="sum") / len(x)
        mean, log_var = h.chunk(2, 1)
        z = mean + torch.exp(0.5 * log_var) * torch.randn_like(mean)
        kl = -0.5 * (1 + log_var - mean.pow(2) - log_var.exp()).sum()
        return (0.5 * F.mse_loss(self.decoder(z), x, reduction="sum") + kl) / len(x)


class Recurrent(nn.Module):
    """An LSTM reads the series, its last state gives the code, an LSTM writes the series from it; its loss."""

    def __init__(self, channels: int, hidden: int, n: int) -> None:
        super().__init__()
        self.reader, self.code = nn.LSTM(channels, hidden, batch_first=True), nn.Linear(hidden, n)
        self.writer, self.last = nn.LSTM(n, hidden, batch_first=True), nn.Linear(hidden, channels)

    def forward(self, x: Tensor) -> Tensor:
        _, (state, _) = self.reader(x)
        z = self.code(state[-1])
        y, _ = self.writer(z.unsqueeze(1).repeat(1, x.shape[1], 1))
        return F.mse_loss(self.last(y), x)


NETS: dict[str, Callable[[Tensor, Settings], nn.Module]] = {
    "ae": lambda x, settings: Dense(x.shape[1], 512, settings["n"], (nn.Sigmoid(),), variational=False),
    "vae": lambda x, settings: Dense(x.shape[1], 512, settings["n"], (nn.Sigmoid(),), variational=True),
    "small": lambda x, settings: Dense(x.shape[1], 64, settings["n"], (), variational=False),
    "lstm": lambda x, settings: Recurrent(x.shape[2], 64, settings["n"]),
}


if __name__ == "__main__":
    serve({"fit": fit})
