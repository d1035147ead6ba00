"""The optional packages of this room."""

import importlib
from typing import Any

from diabolo.errors import CapabilityError


def package(name: str) -> Any:
    """Import an optional package.

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
        raise CapabilityError(f'The package {name} is missing; pip install "diabolo[data]".') from error
