"""Batches of labelled and unlabelled samples."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from diabolo.estimators.pretraining.labelled import Labelled


@given(
    labels=st.integers(1, 20),
    others=st.integers(0, 20),
    ratio=st.integers(1, 4),
    count=st.integers(1, 60),
    batch=st.integers(1, 16),
    seed=st.one_of(st.none(), st.integers(0, 99)),
)
def test_every_batch_has_labelled_samples_first_and_its_share_of_others(labels, others, ratio, count, batch, seed):
    x, y = torch.arange(labels + others)[:, None].float(), torch.arange(labels + others)
    source = Labelled(x, lambda x: x, y, torch.arange(labels), torch.arange(labels, labels + others), ratio, count)
    seen, unknown = [], []
    for found in source.epoch(batch, seed):
        assert found.target is not None
        known = len(found.target)
        assert torch.equal(found.x[:known, 0].long(), found.target)
        assert len(found.x) == known * (1 + (ratio if others else 0))
        assert 1 <= known <= batch
        seen += found.x[:known, 0].long().tolist()
        unknown += found.x[known:, 0].long().tolist()
    assert len(seen) == count == len(source)
    times = torch.bincount(torch.tensor(seen), minlength=labels)
    assert times.max() - times.min() <= 1  # pass by pass
    assert all(number >= labels for number in unknown)
    if others and unknown:
        times = torch.bincount(torch.tensor(unknown) - labels, minlength=others)
        assert times.max() - times.min() <= 1


def test_the_seed_decides_the_order():
    x, y = torch.arange(50.0)[:, None], torch.arange(50)
    source = Labelled(x, lambda x: x, y, torch.arange(50), torch.arange(0), 1, 50)
    order = [torch.cat([batch.x for batch in source.epoch(8, seed)]).flatten().tolist() for seed in (1, 1, 2, None)]
    assert order[0] == order[1] != order[2]
    assert order[3] == list(range(50))
