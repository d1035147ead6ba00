"""Batches from rows on disk: every row once, in an order the seed decides, from one thread that always ends."""

import math
import threading
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from diabolo.errors import DataError
from diabolo.training import Plan, Rows, Stream, Training

NONE = torch.empty(0, dtype=torch.long)


def stream(count, chunk=10, block=4, held=NONE, room=16, together=3, read=None):
    x = torch.arange(count, dtype=torch.float32)[:, None]
    chunks = [range(start, min(start + chunk, count)) for start in range(0, count, chunk)]

    def blocks(i):
        for rows in x[chunks[i].start : chunks[i].stop].split(block):
            if read is not None:
                read(rows)
            yield rows

    return Stream(chunks, blocks, lambda rows: rows, held, room, together)


def rows(source, batch_size, seed):
    return torch.cat([batch.x for batch in source.epoch(batch_size, seed)]).flatten().tolist()


def readers():
    return [thread for thread in threading.enumerate() if thread.name.startswith("diabolo-stream")]


SIZE = st.integers(1, 40)


@given(
    st.integers(1, 200),
    SIZE,
    SIZE,
    st.integers(1, 300),
    SIZE,
    st.integers(1, 4),
    st.none() | st.integers(0, 99),
    st.data(),
)
def test_every_row_comes_once_in_the_planned_number_of_equal_batches(
    n, chunk, block, batch, room, together, seed, data
):
    held = data.draw(st.sets(st.integers(0, n - 1), max_size=n - 1))
    source = stream(n, chunk, block, torch.tensor(sorted(held), dtype=torch.long), room, together)
    batches = [b.x for b in source.epoch(batch, seed)]
    seen, expected = torch.cat(batches).flatten().tolist(), sorted(set(range(n)) - held)
    assert (seen if seed is None else sorted(seen)) == expected
    assert len(source) == len(expected)
    assert len(batches) == math.ceil(len(source) / batch)
    assert max(map(len, batches)) - min(map(len, batches)) <= 1


def test_batches_are_those_of_rows_in_memory_where_nothing_is_shuffled():
    memory = Rows(torch.arange(103.0)[:, None], lambda x: x)
    for one, other in zip(stream(103).epoch(25, None), memory.epoch(25, None), strict=True):
        assert torch.equal(one.x, other.x)


def test_steps_are_those_of_the_plan():
    plan = Plan.of(Training(batch_size=32), 1001)
    assert len(list(stream(1001).epoch(plan.batch_size, 0))) == plan.steps_per_epoch


def test_the_seed_decides_the_order():
    source = stream(200)
    assert rows(source, 7, 1) == rows(source, 7, 1)
    assert rows(source, 7, 1) != rows(source, 7, 2)


def test_a_buffer_mixes_chunks_that_lie_apart():
    first = rows(stream(1000, chunk=100, block=10, room=100, together=5), 100, 0)[:100]
    assert len({row // 100 for row in first}) == 5
    assert first != sorted(first)


def test_no_more_is_read_ahead_than_one_buffer():
    read = []
    source = stream(1000, chunk=50, block=10, room=40, together=2, read=lambda block: read.append(len(block)))
    for trained, _ in enumerate(source.epoch(20, 0)):
        assert sum(read) <= 20 * trained + 3 * (40 + 10)
    assert sum(read) == 1000


def test_a_batch_larger_than_the_buffer_is_still_a_batch():
    assert [len(batch.x) for batch in stream(100, room=1).epoch(60, 0)] == [50, 50]


def test_bytes_become_numbers_batch_by_batch():
    x = torch.arange(20, dtype=torch.uint8)[:, None]
    source = Stream([range(20)], lambda i: iter([x]), lambda rows: rows.float() / 255, NONE)
    assert torch.equal(torch.cat([b.x for b in source.epoch(6, None)]), x.float() / 255)


def test_nothing_is_no_batch():
    assert list(stream(0).epoch(5, 0)) == []


def test_an_error_while_reading_is_raised_here_and_ends_the_thread():
    def read(block):
        if 60 in block:
            raise DataError("row 60")

    with pytest.raises(DataError, match="row 60"):
        rows(stream(100, read=read), 5, 0)
    assert readers() == []


def test_an_epoch_left_early_leaves_no_thread():
    for leave in ("close", "break", "raise"):
        epoch: Any = stream(1000).epoch(10, 0)
        next(epoch)
        assert len(readers()) == 1
        if leave == "close":
            epoch.close()
        elif leave == "raise":
            with pytest.raises(KeyboardInterrupt):
                epoch.throw(KeyboardInterrupt)
        del epoch
        assert readers() == []
