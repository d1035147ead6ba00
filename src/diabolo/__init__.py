"""diabolo: every kind of autoencoder, and every job people use one for.

The public face is small: the estimators, `Recipe` and `Training`, and `load`. Parts are imported from their rooms,
such as ``from diabolo.latents import TopK``.
"""

from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from diabolo.estimators import (
        Colorizer,
        Compressor,
        Denoiser,
        Detector,
        Dictionary,
        Generator,
        Imputer,
        Pretrainer,
        Recommender,
        Reducer,
        decompress,
        fit_together,
        load,
        opened,
    )
    from diabolo.model import Recipe
    from diabolo.training import Training

__version__ = "0.1.0"

__all__ = [
    "Colorizer",
    "Compressor",
    "Denoiser",
    "Detector",
    "Dictionary",
    "Generator",
    "Imputer",
    "Pretrainer",
    "Recipe",
    "Recommender",
    "Reducer",
    "Training",
    "decompress",
    "fit_together",
    "load",
    "opened",
]

_HOMES = {
    "Colorizer": "estimators",
    "Compressor": "estimators",
    "Denoiser": "estimators",
    "Detector": "estimators",
    "Dictionary": "estimators",
    "Generator": "estimators",
    "Imputer": "estimators",
    "Pretrainer": "estimators",
    "Recipe": "model",
    "Recommender": "estimators",
    "Reducer": "estimators",
    "Training": "training",
    "decompress": "estimators",
    "fit_together": "estimators",
    "load": "estimators",
    "opened": "estimators",
}


def __getattr__(name: str) -> Any:
    """Import what is asked for: torch is loaded when it is needed and not before."""
    if name in _HOMES:
        return getattr(import_module(f"diabolo.{_HOMES[name]}"), name)
    if not name.startswith("_") and find_spec(f"diabolo.{name}"):  # a room
        return import_module(f"diabolo.{name}")
    raise AttributeError(f"module 'diabolo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
