import _thread
import inspect
import time
import warnings

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


def frames(*modules):
    """A function that warns behind one frame of each of these modules, the innermost last."""
    call = errors.warn
    for name in reversed(modules):
        place = {"__name__": name, "call": call}
        exec(compile("def wrapped(text): return call(text)", f"{name}.py", "exec"), place)
        call = place["wrapped"]
    return call


@pytest.mark.parametrize(
    "inside",
    [
        (),
        ("diabolo.estimators.base",),
        ("sklearn.utils._set_output", "diabolo.estimators.base", "torch.utils._contextlib", "diabolo.data.form"),
        ("sklearn.model_selection", "joblib.parallel", "sklearn.pipeline", "diabolo", "contextlib", "diabolo.errors"),
    ],
    ids=len,
)
def test_a_warning_names_the_first_line_outside(inside):
    with pytest.warns(errors.DiaboloWarning, match="odd") as caught:
        frames(*inside)("odd")
    assert [found.filename for found in caught] == [__file__]
    with pytest.warns(errors.DiaboloWarning) as caught:
        frames("diabolo_user.program", *inside)("odd")  # not this package, however it is called
    assert [found.filename for found in caught] == ["diabolo_user.program.py"]


def test_a_warning_is_shown_once_for_each_line_and_text():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        for _ in range(3):
            frames("diabolo")("odd")
            frames("diabolo")("very odd")
        frames("diabolo")("odd")
    assert [str(found.message) for found in caught] == ["odd", "very odd", "odd"]


def test_where_no_line_is_the_users_there_is_a_warning_all_the_same():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _thread.start_new_thread(errors.warn, ("odd", RuntimeWarning))
        for _ in range(1000):
            time.sleep(0 if caught else 0.01)
    assert [(found.category, found.filename) for found in caught] == [(RuntimeWarning, errors.__file__)]
