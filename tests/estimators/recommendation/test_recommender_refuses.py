"""What a recommender is not asked in a way that it could answer: one sentence that says what to do."""

from typing import Any

import pandas as pd
import pytest
from tests.tastes import checkerboard, events

from diabolo import Recommender
from diabolo.errors import DataError, DataTypeError, ParameterError
from diabolo.rankers import EASE, LowRank

BOARD, _ = checkerboard()
TEXT = events(BOARD, [f"u{i:02}" for i in range(60)], [f"i{i:02}" for i in range(12)])


@pytest.fixture(scope="module")
def fitted():
    return Recommender(model=EASE(5.0)).fit(pd.DataFrame(TEXT))


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (lambda r: r.recommend(["nobody"]), DataError, "There is no user 'nobody' among the 60 known; give histories"),
        (lambda r: r.recommend([3]), DataTypeError, "Users must be text, such as 'u00'; got integers"),
        (
            lambda r: r.recommend(["u00"], n=13),
            ParameterError,
            r"'n' of recommend must be an integer in \[1, 12\].*; got 13",
        ),
        (lambda r: r.recommend(["u00"], n=0), ParameterError, "'n' of recommend must be an integer"),
        (lambda r: r.recommend(["u00"], candidates=["x"]), ParameterError, "'candidates' and 'exclude'.*leave no item"),
        (lambda r: r.recommend(["u00"], candidates=[1]), DataTypeError, "Items must be text"),
        (lambda r: r.recommend(["u00"], exclude="i00"), DataTypeError, r"pass \['i00'\]"),
        (lambda r: r.recommend(BOARD[:, :5]), DataError, "must have 12 columns, as in training"),
        (lambda r: r.recommend(BOARD.toarray()), DataTypeError, "one column"),
        (lambda r: r.recommend([["u00"], "u01"]), DataTypeError, "list of lists"),
        (lambda r: r.recommend(pd.DataFrame({"item": [1]})), DataError, "none for user among 'item': add it"),
        (lambda r: r.recommend(pd.DataFrame({"who": [1]})), DataTypeError, "Users must be text"),
        (lambda r: r.recommend([{"i00"}, "u01"]), DataTypeError, "list of lists"),
        (
            lambda r: r.explain([["i00"], ["i01"]], "i02"),
            DataError,
            "'user' of explain must be one user; got 2: ask for",
        ),
        (lambda r: r.explain(pd.DataFrame(TEXT), "i02"), DataError, "must be one user; got 60"),
        (lambda r: r.explain(BOARD[:0], "i02"), DataError, "must be one user; got 0"),
        (lambda r: r.similar_items(["x"]), DataError, "There is no item 'x' among the 12 known; check its id"),
        (lambda r: r.similar_items(["i00"], n=12), ParameterError, r"'n' of similar_items.*\[1, 11\].*; got 12"),
        (lambda r: r.explain("u00", "x"), DataError, "There is no item 'x'"),
        (lambda r: r.explain("nobody", "i00"), DataError, "There is no user 'nobody'"),
        (lambda r: r.explain("u00", "i00", n=0), ParameterError, "'n' of explain must be an integer >= 1; got 0"),
    ],
)
def test_errors_say_what_to_do(fitted, ask, error, words):
    with pytest.raises(error, match=words) as caught:
        ask(fitted)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (Recommender(model="eese"), "Parameter 'model': unknown model 'eese'; known: .*Did you mean 'ease'"),
        (Recommender(model="EASE(ridge=-1)"), "'ridge' of EASE must be a number > 0"),
        (Recommender(model="Recipe(Bug())"), "unknown part among the nets 'Bug'.*Did you mean 'Bag'"),
        (Recommender(model=3), "Parameter 'model' must be a ranker, a Recipe or a name; got int"),  # pyright: ignore[reportArgumentType]
        (Recommender(model=LowRank(tilt=2)), "'tilt' of LowRank must be a number in"),
        (Recommender(0), r"'n_components' of Recommender must be an integer .* or None \(chosen by the model\); got 0"),
        (Recommender(threshold="4"), "'threshold' of Recommender must be a number, None .* or 'auto'; got '4'"),  # pyright: ignore[reportArgumentType]
        (Recommender(training=3), "'training' of Recommender must be a Training"),  # pyright: ignore[reportArgumentType]
    ],
)
def test_parameters_are_checked_before_anything_is_read(made, words):
    with pytest.raises(ParameterError, match=words):
        made.fit("nowhere.csv")


def test_before_fit_there_is_an_error():
    new: Any = Recommender()
    for ask in (
        lambda: new.recommend([0]),
        lambda: new.similar_items([0]),
        lambda: new.explain(0, 0),
        lambda: new.transform([0]),
        lambda: new.item_embeddings_,
        lambda: new.evaluate(BOARD),
        lambda: new.report(BOARD),
    ):
        with pytest.raises(ValueError, match="not fitted"):
            ask()
