import pytest
import torch

from diabolo.errors import CapabilityError
from diabolo.nets import UNet


def test_a_code_alone_is_refused():
    encoder, decoder = UNet((4, 8)).build((3, 9, 7), 2, 2, (3, 9, 7))
    h, skips = encoder(torch.randn(1, 3, 9, 7))
    assert not UNet().decodes_alone
    with pytest.raises(CapabilityError, match="skips"):
        decoder(h)
    with pytest.raises(CapabilityError, match="got 1"):
        decoder(h, skips[:1])


def test_skips_halve():
    encoder, _ = UNet((4, 8, 8)).build((5, 1), 2, 2, (5, 1))
    assert [skip.shape for skip in encoder(torch.randn(2, 5, 1))[1]] == [(2, 4, 5), (2, 8, 3), (2, 8, 2)]


def test_the_decoder_listens_to_code_and_to_each_skip():
    encoder, decoder = UNet((4, 8)).build((1, 8, 8), 2, 2, (1, 8, 8))
    h, skips = encoder(torch.randn(1, 1, 8, 8))
    whole = decoder(h, skips)
    changed = [decoder(h + 1, skips), *(decoder(h, (*skips[:k], skips[k] + 1, *skips[k + 1 :])) for k in range(2))]
    assert all((other - whole).abs().max() > 1e-4 for other in changed)


def test_more_channels_more_weights():
    counts = [
        sum(weight.numel() for module in net.build((8, 1), 2, 2, (8, 1)) for weight in module.parameters())
        for net in (UNet((4,)), UNet((4, 4)), UNet((4, 8)), UNet((4, 8), 5), UNet((4, 8), 5, norm="group"))
    ]
    assert counts == sorted(set(counts))
