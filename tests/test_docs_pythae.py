"""The table of pythae's families: every recipe in it builds."""

import re
from pathlib import Path

import pytest
import torch

from diabolo import Generator, Recipe
from diabolo.flow import Batch

PAGE = (Path(__file__).parents[1] / "docs" / "guide" / "pythae.md").read_text("utf-8")
WRITTEN = re.findall(r"^\| [^|]+ \| `([^`]+)` \|", PAGE, re.MULTILINE)
NAMES: dict[str, object] = {}
exec(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0], NAMES)


def test_the_table_was_found():
    assert len(WRITTEN) > 20


@pytest.mark.parametrize("written", WRITTEN)
def test_what_the_table_says_builds(written):
    made = eval(written, dict(NAMES))
    if isinstance(made, Generator):
        made.check_parameters()
        return
    assert isinstance(made, Recipe)
    shape = (1, 28, 28) if "Similarity" in written else (12,)
    torch.manual_seed(0)
    loss = made.build(shape, 8)(Batch(torch.rand(5, *shape))).loss
    assert bool(loss.isfinite())
