import inspect

import pytest

from diabolo import errors

KINDS = {
    errors.ParameterError: (ValueError, TypeError),
    errors.DataError: (ValueError,),
    errors.DataTypeError: (errors.DataError, ValueError, TypeError),
    errors.FileError: (ValueError,),
    errors.MissingFileError: (errors.FileError, ValueError, FileNotFoundError, OSError),
    errors.TrainingError: (ArithmeticError,),
    errors.CapabilityError: (NotImplementedError, RuntimeError),
}


@pytest.mark.parametrize("error", KINDS, ids=lambda error: error.__name__)
def test_each_error_is_caught_as_a_diabolo_error_and_as_the_standard_kind(error):
    for kind in (errors.DiaboloError, *KINDS[error]):
        with pytest.raises(kind, match=r"^One sentence\.$"):
            raise error("One sentence.")


def test_the_tree_in_the_docstring_is_the_tree_of_the_module():
    found = {cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, Exception)}
    assert found - {errors.DiaboloError, errors.DiaboloWarning} == set(KINDS)
    lines = {line.split("──")[1].split()[0]: line for line in (errors.__doc__ or "").splitlines() if "──" in line}
    assert set(lines) == {error.__name__ for error in KINDS}
    for error in KINDS:
        parent, *standard = [base.__name__ for base in error.__bases__]
        assert lines[error.__name__].startswith("    │   └──") == (parent != "DiaboloError")
        assert f"(also {', '.join(standard)})" in lines[error.__name__]


def test_only_the_warning_is_no_error():
    assert issubclass(errors.DiaboloWarning, UserWarning)
    assert not issubclass(errors.DiaboloWarning, errors.DiaboloError)
