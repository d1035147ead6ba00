import pytest
import torch

from diabolo.nets import Recurrent


def count(net, shape=(12, 2)):
    return sum(weight.numel() for module in net.build(shape, 4, 4, shape) for weight in module.parameters())


def test_knobs_add_weights():
    assert count(Recurrent("gru", 8)) < count(Recurrent("lstm", 8)) < count(Recurrent("lstm", 16))
    assert count(Recurrent(hidden=8)) < count(Recurrent(hidden=8, bidirectional=True))
    assert count(Recurrent(hidden=8)) < count(Recurrent(hidden=8, layers=2))


def test_the_weights_do_not_depend_on_the_length():
    assert count(Recurrent(), (12, 2)) == count(Recurrent(), (99, 2))


def test_steps_differ_though_the_code_is_one():
    _, decoder = Recurrent(hidden=8).build((12, 2), 3, 3, (12, 2))
    steps = decoder(torch.randn(1, 3))[0]
    assert torch.pdist(steps).min() > 1e-5


def test_an_image_is_read_row_by_row():
    torch.manual_seed(0)
    image, _ = Recurrent("gru", 8).build((2, 5, 3), 4, 4, (2, 5, 3))
    series, _ = Recurrent("gru", 8).build((5, 6), 4, 4, (5, 6))
    series.load_state_dict(image.state_dict())
    x = torch.randn(1, 2, 5, 3)
    rows = torch.stack([x[:, :, k].flatten(1) for k in range(5)], 1)
    torch.testing.assert_close(image(x)[0], series(rows)[0])


@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_rebuilds_sines_of_random_phase(cell):
    torch.manual_seed(0)
    phases = 2 * torch.pi * torch.rand(256, 1)
    x = torch.sin(torch.linspace(0, 4 * torch.pi, 40) + phases).unsqueeze(2)
    seen, unseen = x[:192], x[192:]
    encoder, decoder = Recurrent(cell, 32).build((40, 1), 2, 2, (40, 1))
    optimiser = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], 5e-3)
    for _ in range(100):
        batch = seen[torch.randint(len(seen), (64,))]
        loss = (decoder(*encoder(batch)) - batch).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    error = (decoder(*encoder(unseen)) - unseen).square().mean()
    assert error < 0.1 * (unseen - seen.mean(0)).square().mean()
