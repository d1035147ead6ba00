"""The optional packages of this room."""

import importlib
from typing import Any

from diabolo.errors import CapabilityError


def package(name: str, extra: str = "data") -> Any:
    """Import an optional package, which the `extra` of the same installation brings.

    Raises
    ------
    CapabilityError
        If it is not installed.

    Examples
    --------
    >>> package("pandas").__name__
    'pandas'
    """
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise CapabilityError(f'The package {name} is missing; pip install "diabolo[{extra}]".') from error
