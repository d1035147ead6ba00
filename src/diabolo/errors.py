"""Every exception and warning that diabolo raises on purpose.

The tree::

    DiaboloError
    ├── ParameterError   (also ValueError, TypeError)    a parameter outside what is allowed
    ├── DataError        (also ValueError)               data of the wrong shape, kind or content
    │   └── DataTypeError    (also TypeError)            data that are not numbers
    ├── FileError        (also ValueError)               a file that is cut, edited, foreign or of a newer format
    │   └── MissingFileError (also FileNotFoundError)    no file there
    ├── TrainingError    (also ArithmeticError)          training cannot go on: a loss that is not finite
    └── CapabilityError  (also NotImplementedError)      a composition that cannot do what was asked

Every message names the thing, what is allowed, what was given and what to do.
"""

import sys
import warnings

_PASSED_OVER = {"diabolo", "sklearn", "joblib", "torch", "contextlib"}
"""Packages whose lines are not the user's: this one, and those that call it for the user or wrap its functions."""


class DiaboloError(Exception):
    """Base of every error that diabolo raises on purpose."""


class ParameterError(DiaboloError, ValueError, TypeError):
    """A parameter is outside what is allowed."""


class DataError(DiaboloError, ValueError):
    """The data have the wrong shape, kind or content."""


class DataTypeError(DataError, TypeError):
    """The data are not numbers."""


class FileError(DiaboloError, ValueError):
    """A file is cut, edited, foreign or of a newer format."""


class MissingFileError(FileError, FileNotFoundError):
    """There is no such file or folder."""


class TrainingError(DiaboloError, ArithmeticError):
    """Training cannot go on."""


class CapabilityError(DiaboloError, NotImplementedError):
    """A composition cannot do what was asked."""


class DiaboloWarning(UserWarning):
    """Something worked, but probably not as meant."""


def warn(text: str, category: type[Warning] = DiaboloWarning) -> None:
    """Warn, and name the line of the user's program that led to it, however deep inside the package that is told.

    Examples
    --------
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     warn("Most samples are the same.")
    >>> str(caught[0].message)
    'Most samples are the same.'
    """
    frame = outermost = sys._getframe()
    while frame is not None and _package(frame.f_globals) in _PASSED_OVER:
        frame, outermost = frame.f_back, frame
    place = frame or outermost  # none is the user's: a thread of its own
    names = place.f_globals
    warnings.warn_explicit(
        text,
        category,
        place.f_code.co_filename,
        place.f_lineno,
        names.get("__name__", "<unknown>"),
        names.setdefault("__warningregistry__", {}),
    )


def _package(names: dict[str, object]) -> str:
    return str(names.get("__name__")).partition(".")[0]
