import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from diabolo.errors import ParameterError
from diabolo.nets import Transformer
from diabolo.nets.transformer import Block, Patches


def count(net, shape=(12, 2)):
    return sum(weight.numel() for module in net.build(shape, 4, 4, shape) for weight in module.parameters())


def test_knobs_add_weights():
    assert count(Transformer(width=8)) < count(Transformer(width=16))
    assert count(Transformer(depth=1)) < count(Transformer(depth=2))
    assert count(Transformer(patch=2)) < count(Transformer(patch=1))  # fewer tokens to join in the code


def test_heads_must_divide():
    with pytest.raises(ParameterError, match=r"'heads' of Transformer must divide width=64; got 6; use heads=2"):
        Transformer(heads=6).build((5,), 2, 2, (5,))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 12), min_size=1, max_size=2), st.integers(1, 14), st.integers(1, 3))
def test_cut_and_join_are_inverse(size, length, channels):
    patches = Patches(tuple(size), length)
    x = torch.randn(2, channels, *size)
    assert torch.equal(patches.join(patches.cut(x), channels), x)


def test_a_patch_is_a_square():
    x = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert Patches((4, 4), 2).cut(x)[0].tolist() == [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]


def test_a_block_does_not_know_the_order_of_tokens():
    block = Block(Transformer(width=8, heads=2))
    x, order = torch.randn(2, 5, 8), torch.randperm(5)
    torch.testing.assert_close(block(x)[:, order], block(x[:, order]))


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_attention_is_that_of_torch(heads):
    part = Transformer(width=8, heads=heads)
    block, x = Block(part), torch.randn(2, 5, 8)
    ours = block(x)
    q, k, v = (
        t.unflatten(2, (heads, -1)).transpose(1, 2) for t in block.queries_keys_values(block.norm(x)).chunk(3, dim=2)
    )
    seen = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
    middle = x + block.joined(seen)
    torch.testing.assert_close(ours, middle + block.each(middle))


def test_positions_tell_moved_patches_apart():
    encoder, _ = Transformer(patch=2, width=8).build((4, 1), 3, 3, (4, 1))
    x = torch.randn(1, 4, 1)
    assert (encoder(x)[0] - encoder(x.roll(2, 1))[0]).abs().max() > 1e-3
