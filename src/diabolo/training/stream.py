"""Batches from rows on disk: read, mixed and cut in the background while the model trains."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass

import torch
from torch import Tensor

from diabolo.flow import Batch


@dataclass(frozen=True)
class Stream:
    """Rows that do not fit into memory, as batches.

    Chunks come in an order that the seed decides, a few of them read in turn. Their rows gather in a buffer, which is
    shuffled as a whole and cut into batches; the next buffer is made by one thread meanwhile. At most three buffers
    are in memory, besides the blocks that one of them is made of.

    Parameters
    ----------
    chunks : sequence of range
        The rows of each chunk: all rows, in order.
    blocks : callable
        Gives the rows of the chunk of a number in blocks (B, *shape), in order, as compact as they come.
    form : callable
        Turns rows of a buffer into the scaled x of a batch.
    held : Tensor (M,)
        Rising numbers of rows to leave out.
    room : int
        Rows that make a buffer; it is full with them, or with one batch if that is more.
    together : int
        Chunks read in turn, so that rows mix that lie far apart.
    device : torch.device
        Where the batches are wanted.

    Examples
    --------
    >>> x = torch.arange(6.0)[:, None]
    >>> blocks = lambda chunk: iter([x[:4], x[4:]][chunk : chunk + 1])
    >>> stream = Stream([range(0, 4), range(4, 6)], blocks, lambda x: x, held=torch.tensor([]))
    >>> [batch.x.flatten().tolist() for batch in stream.epoch(3, None)]
    [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    >>> sorted(torch.cat([batch.x for batch in stream.epoch(3, seed=0)]).flatten().tolist())
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    """

    chunks: Sequence[range]
    blocks: Callable[[int], Iterator[Tensor]]
    form: Callable[[Tensor], Tensor]
    held: Tensor
    room: int = 2**16
    together: int = 8
    device: torch.device = torch.device("cpu")

    def __len__(self) -> int:
        return sum(map(len, self.chunks)) - len(self.held)

    def epoch(self, batch_size: int, seed: int | None) -> Iterator[Batch]:
        """Yield all rows once, shuffled unless `seed` is None, in batches of equal size but for one row.

        What goes wrong while reading is raised here; however the epoch ends, no thread is left.
        """
        with closing(self._buffers(batch_size, seed)) as buffers, ThreadPoolExecutor(1, "diabolo-stream") as reader:
            coming = reader.submit(next, buffers, None)
            while (buffer := coming.result()) is not None:
                coming = reader.submit(next, buffers, None)
                rows, sizes = buffer
                for part in rows.split(sizes):
                    yield Batch(self.form(part))

    def _buffers(self, batch_size: int, seed: int | None) -> Generator[tuple[Tensor, list[int]], None, None]:
        """Yield rows in buffers, and the sizes of the batches in each; what makes no whole batch goes into the next."""
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        sizes = _sizes(len(self), batch_size)
        waiting: list[Tensor] = []
        for block in self._in_turn(generator):
            waiting.append(block)
            if sizes and sum(map(len, waiting)) >= max(self.room, sizes[0]):
                rows = _mixed(waiting, generator)
                ready = _whole(sizes, len(rows))
                waiting = [rows[sum(ready) :].clone()]
                yield rows[: sum(ready)].to(self.device), ready
        if sizes:
            yield _mixed(waiting, generator).to(self.device), list(sizes)

    def _in_turn(self, generator: torch.Generator | None) -> Iterator[Tensor]:
        """Yield the blocks of all chunks: in order, or of several chunks in turn."""
        count, reading = len(self.chunks), deque[Iterator[Tensor]]()
        waiting = deque(range(count) if generator is None else torch.randperm(count, generator=generator).tolist())
        while waiting or reading:
            while waiting and len(reading) < (1 if generator is None else self.together):
                reading.append(self._trained_on(waiting.popleft()))
            blocks = reading.popleft()
            block = next(blocks, None)
            if block is not None:
                reading.append(blocks)
                yield block

    def _trained_on(self, chunk: int) -> Iterator[Tensor]:
        """Yield the blocks of a chunk without the rows left out."""
        start = self.chunks[chunk].start
        for block in self.blocks(chunk):
            low, high = torch.searchsorted(self.held, torch.tensor([start, start + len(block)])).tolist()
            if low < high:
                kept = torch.ones(len(block), dtype=torch.bool)
                kept[self.held[low:high] - start] = False
                yield block[kept]
            else:
                yield block
            start += len(block)


def _sizes(count: int, batch_size: int) -> deque[int]:
    batches = math.ceil(count / batch_size)
    share, rest = divmod(count, max(batches, 1))
    return deque([share + 1] * rest + [share] * (batches - rest))


def _whole(sizes: deque[int], count: int) -> list[int]:
    """Take the sizes of the batches that `count` rows make from the front of `sizes`."""
    taken = []
    while sizes and sizes[0] <= count:
        taken.append(sizes.popleft())
        count -= taken[-1]
    return taken


def _mixed(blocks: list[Tensor], generator: torch.Generator | None) -> Tensor:
    rows = torch.cat(blocks)
    blocks.clear()  # before the copy, not after it
    return rows if generator is None else rows.index_select(0, torch.randperm(len(rows), generator=generator))
