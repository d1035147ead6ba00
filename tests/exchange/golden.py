"""The files that the libraries themselves wrote, see tests/golden/dictionaries/make.py."""

from pathlib import Path

ROOM = Path(__file__).parents[1] / "golden" / "dictionaries"
NAMES = sorted(folder.name for folder in ROOM.iterdir() if (folder / "expected.safetensors").is_file())


def place(name: str, room: Path = ROOM) -> Path:
    """Return what `read` is to be given: sparsify has a folder for each place in a model, openai a file."""
    inside = {"sparsify": "layers.5", "openai": "5.pt"}.get(name.split("-")[0], "")
    return room / name / inside
