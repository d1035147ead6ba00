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
