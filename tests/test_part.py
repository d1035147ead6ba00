"""Parts as values: revised, described as JSON, read from text; hostile descriptions give errors, not code."""

import sys
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diabolo.check import Flag, Many, Maybe, Number, OneOf, Whole
from diabolo.errors import FileError, ParameterError
from diabolo.part import PARTS, Part, Some, discover, from_json, knob
from diabolo.text import parse, revise_from_text


class Fruit(Part, role="test_fruits"):
    pass


@dataclass(frozen=True)
class Apple(Fruit):
    """An apple."""

    weight: float = knob(1.0, Number(0), "how heavy it is")
    kind: str = knob("red", OneOf("red", "green"), "which kind it is")


@dataclass(frozen=True)
class Basket(Fruit):
    """A basket."""

    best: Fruit = knob(Apple(), Some("test_fruits"), "what lies on top")
    spare: Fruit | None = knob(None, Maybe(Some("test_fruits"), "nothing"), "what lies beside")
    rest: tuple[Fruit, ...] = knob((), Many(Some("test_fruits"), 3), "what lies below")
    sizes: tuple[int, ...] = knob((), Many(Whole(1), 3), "sizes of something")
    ripe: bool = knob(True, Flag(), "whether it is ripe")


FULL = Basket(Basket(Apple(2.0)), Apple(kind="green"), (Apple(), Basket()), (1, 2), ripe=False)


def test_revise_reaches_inside_and_leaves_the_old_alone():
    got = FULL.revise(best__best__weight=3.0, **{"spare.kind": "red"})
    assert got.get_params()["best__best__weight"] == 3.0
    assert got.spare == Apple()
    assert FULL.get_params()["best__best__weight"] == 2.0


def test_revise_takes_the_outer_first_in_any_order():
    assert Basket().revise(best__weight=5.0, best=Apple(kind="green")).best == Apple(5.0, "green")
    assert Basket().revise(best=Apple(kind="green"), best__weight=5.0).best == Apple(5.0, "green")


def test_calling_a_part_revises_it():
    assert Apple()(weight=4.0) == Apple(4.0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"wieght": 1.0}, "Apple has no such parameter: unknown parameter 'wieght'.*Did you mean 'weight'"),
        ({"weight__more": 1.0}, "'weight' of Apple is 1.0, which has no 'more'; set 'weight' first"),
    ],
)
def test_revise_says_where_a_path_ends(changes, words):
    with pytest.raises(ParameterError, match=words):
        Apple().revise(**changes)


def test_params_are_those_of_scikit_learn():
    assert Apple(2.0).get_params() == {"weight": 2.0, "kind": "red"}
    assert Basket().get_params()["best__weight"] == 1.0
    assert "best__weight" not in Basket().get_params(deep=False)
    assert [k.name for k in Apple.knobs()] == ["weight", "kind"]


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (Apple(-1), "Parameter 'weight' of Apple must be a number >= 0; got -1"),
        (Apple(float("nan")), "'weight' of Apple"),
        (Apple(kind="blue"), "must be 'red' or 'green'; got 'blue'"),
        (Basket(rest=(Apple(), Apple(-2))), "'weight' of Apple .* got -2"),
        (Basket(best=Basket(spare=Apple(-3))), "got -3"),
        (Basket().revise(rest=[Apple()]), "'rest' of Basket must be a tuple of at most 3"),
        (Basket().revise(best=None), "'best' of Basket must be one of the test_fruits"),
    ],
)
def test_check_finds_the_first_bad_knob_however_deep(part, words):
    with pytest.raises(ParameterError, match=words):
        part.check()


@pytest.mark.parametrize("part", [Apple(), Basket(), FULL], ids=str)
def test_json_and_text_give_the_same_part(part):
    assert from_json(part.to_json()) == part
    assert parse(repr(part), "test_fruits") == part


@pytest.mark.parametrize(
    "text", ["Apple", "Apple()", " Apple( ) ", "Apple(1)", "Apple(1.0, 'red')", "Apple(kind='red', weight=1)"]
)
def test_short_forms_are_read(text):
    assert parse(text, "test_fruits") == Apple()


def test_lists_are_read_as_tuples():
    assert parse("Basket(rest=[Apple, Basket], sizes=[1, 2])", "test_fruits") == Basket(
        rest=(Apple(), Basket()), sizes=(1, 2)
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Appel", "nknown part among the test_fruits 'Appel'.*Did you mean 'Apple'"),
        ("Apple(wieght=1)", "Apple: unknown parameter 'wieght'"),
        ("Apple(1, 'red', 3)", "Apple takes at most 2 parameters"),
        ("Apple(weight=-1)", "got -1"),
        ("Basket(Pear())", "nknown part among the test_fruits 'Pear'"),
        ("", "Cannot read ''"),
        ("Apple(", "Cannot read"),
        ("__import__('os').system('true')", "Cannot read"),
        ("Apple(weight=__import__('os'))", "Cannot read"),
        ("Apple(**{'weight': 1.0})(2)", "Cannot read"),
        ("Apple.__class__", "Cannot read"),
        ("Apple(weight=1 if True else 2)", "Cannot read"),
        ("Apple(kind=f'{1}')", "Cannot read"),
        ("lambda: 1", "Cannot read"),
        ("Basket(" * 3000, "Cannot read"),
        ("\x00", "Cannot read"),
    ],
)
def test_text_that_is_no_part_says_why(text, words):
    with pytest.raises(ParameterError, match=words):
        parse(text, "test_fruits")


@pytest.mark.parametrize(
    ("plain", "words"),
    [
        (None, "Expected the description of a part, got None"),
        ([], "Expected the description of a part"),
        ("Apple", "Expected the description of a part"),
        ({}, "Expected the description of a part"),
        ({"part": 3}, "Expected the description of a part"),
        ({"part": "Apple"}, "The file names an unknown part 'Apple'"),
        ({"part": "os.system"}, "The file names an unknown part"),
        ({"part": "diabolo.part.Part"}, "The file names an unknown part"),
        ({"part": "test_fruits.Fruit"}, "The file names an unknown part"),
        ({"part": "test_fruits.Apple", "wieght": 1}, "unknown parameter 'wieght'"),
        ({"part": "test_fruits.Apple", "__class__": 1}, "unknown parameter '__class__'"),
        ({"part": "test_fruits.Basket", "best": {"part": "posix.system"}}, "The file names an unknown part"),
        ({"part": "test_fruits.Basket", "best": {"weight": 1}}, "Expected the description of a part"),
        ({"part": "test_fruits.Basket", "rest": [{"part": "test_fruits.Pear"}]}, "unknown part"),
    ],
)
def test_a_hostile_description_is_refused(plain, words):
    with pytest.raises(FileError, match=words):
        from_json(plain)


def test_a_description_nested_without_end_is_refused():
    plain = Apple().to_json()
    for _ in range(5000):
        plain = {"part": "test_fruits.Basket", "best": plain}
    with pytest.raises(FileError, match="nested"):
        from_json(plain)


@pytest.mark.parametrize(
    "weight", ["1", None, [], {}, -1, float("inf"), True, [[1]], 10**400], ids=lambda w: repr(w)[:9]
)
def test_a_description_with_a_bad_value_is_refused(weight):
    with pytest.raises((FileError, ParameterError)):
        from_json({"part": "test_fruits.Apple", "weight": weight})


_JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["part", "weight", "best", "rest", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.sampled_from(["weight", "kind", "best", "rest", "sizes", "ripe", "x"]), _JSON, max_size=4),
    st.sampled_from(["test_fruits.Apple", "test_fruits.Basket", "Fruit", ""]),
)
def test_any_description_gives_a_valid_part_or_an_error_of_ours(knobs, name):
    try:
        part = from_json({"part": name, **knobs})
    except (FileError, ParameterError):
        return
    part.check()


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="Aple(Bask)=[]1.,'\"_x ", max_size=20))
def test_any_text_gives_a_valid_part_or_an_error_of_ours(text):
    try:
        part = parse(text, "test_fruits")
    except ParameterError:
        return
    part.check()


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("best.weight", "3", Basket(best=Apple(3))),
        ("best__kind", "green", Basket(best=Apple(kind="green"))),
        ("best.kind", "'green'", Basket(best=Apple(kind="green"))),
        ("best", "Apple(2.0)", Basket(best=Apple(2.0))),
        ("best", "Basket", Basket(best=Basket())),
        ("spare", "None", Basket()),
        ("spare", "Apple(kind='green')", Basket(spare=Apple(kind="green"))),
        ("rest", "(Apple, Basket())", Basket(rest=(Apple(), Basket()))),
        ("sizes", "(1, 2)", Basket(sizes=(1, 2))),
        ("ripe", "False", Basket(ripe=False)),
        ("ripe", "false", Basket(ripe=False)),
        ("ripe", "TRUE", Basket(ripe=True)),
    ],
)
def test_a_knob_is_set_by_text(path, text, expected):
    assert revise_from_text(Basket(), path, text) == expected


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("best.weight", "-1", "'weight' of Apple must be a number >= 0; got -1"),
        ("best.weight", "heavy", "'weight' of Apple must be a number >= 0; got 'heavy'"),
        ("best.kind", "blue", "must be 'red' or 'green'; got 'blue'"),
        ("best", "Pear()", "unknown part among the test_fruits 'Pear'"),
        ("best.wieght", "1", "Did you mean 'weight'"),
        ("bset.weight", "1", "Did you mean 'best'"),
        ("spare.weight", "1", "'spare' of Basket is None, which has no 'weight'; set 'spare' first"),
        ("ripe", "__import__('os')", "'ripe' of Basket must be True or False"),
        ("", "1", "no such parameter"),
    ],
)
def test_text_that_sets_no_knob_says_why(path, text, words):
    with pytest.raises(ParameterError, match=words):
        revise_from_text(Basket(), path, text)


def test_a_file_dropped_into_a_room_is_a_part_to_import(tmp_path, monkeypatch):
    room = tmp_path / "orchard"
    room.mkdir()
    (room / "__init__.py").write_text("from diabolo.part import discover\n\ndiscover(__name__, __path__)\n")
    (room / "pear.py").write_text(
        "from dataclasses import dataclass\nfrom diabolo.part import Part\n\n"
        "class Fruit(Part, role='test_orchard'):\n    pass\n\n"
        "@dataclass(frozen=True)\nclass Pear(Fruit):\n    pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    scope = {}
    try:
        exec("from orchard import Pear, discover", scope)
        assert scope["Pear"] is PARTS["test_orchard"]["Pear"]
        assert scope["discover"] is discover
        with pytest.raises(ImportError, match="Apple"):
            exec("from orchard import Apple")
    finally:
        PARTS.pop("test_orchard", None)
        for name in ("orchard", "orchard.pear"):
            sys.modules.pop(name, None)


def test_parts_are_final_and_roles_are_open():
    with pytest.raises(TypeError, match="Apple is final: wrap it instead of subclassing it as Golden"):
        type("Golden", (Apple,), {})
    assert "Golden" not in PARTS["test_fruits"]
    assert "Fruit" not in PARTS["test_fruits"]


def test_a_name_stands_once_in_a_role():
    with pytest.raises(TypeError, match=r"already a part test_fruits\.Apple.* choose another name"):
        type("Apple", (Fruit,), {"__module__": "elsewhere"})
    assert PARTS["test_fruits"]["Apple"] is Apple


def test_a_value_of_another_role_is_not_allowed():
    from diabolo.latents import Plain

    assert Plain() not in Some("test_fruits")
    assert Apple() in Some("test_fruits")
    assert str(Some("test_fruits")) == "one of the test_fruits (Apple, Basket)"
