"""The benchmarks of maps and dictionaries on made-up numbers: their measures, their turns, the text that they read."""

from argparse import Namespace
from typing import Any

import numpy as np
import pytest
from benchmarks import features_dictionary as dictionary
from benchmarks import features_maps as maps
from benchmarks.workers import mapping, prose
from benchmarks.workers.atoms import Wanted, learning, order
from benchmarks.workers.mapping import Map
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_matrix

SIGNED = arrays(np.float64, (6, 4), elements=st.integers(-3, 3).map(float))


def test_what_is_unexplained_is_of_the_squares_about_the_mean():
    target = np.array([[1.0, 5.0], [3.0, 5.0]], np.float32)
    assert dictionary.unexplained(target, target) == 0
    assert dictionary.unexplained(target, target.mean(0)) == pytest.approx(1)
    assert dictionary.unexplained(target, target + np.array([0, 0.5])) == pytest.approx(2 * 0.25 / 2)


def test_what_is_unexplained_does_not_lose_digits_far_from_0():
    target = np.array([[1e4], [1e4 + 2]], np.float32)
    assert dictionary.unexplained(target, target - 1) == pytest.approx(1)


@given(SIGNED, st.integers(1, 6))
def test_sparse_rows_have_the_neighbours_of_dense_ones(rows, k):
    dense = dictionary.nearest(rows[:3], rows, k)
    assert dictionary.nearest(csr_matrix(rows[:3]), csr_matrix(rows), k).shape == dense.shape == (3, k)
    cosines = dictionary.unit(rows[:3]) @ dictionary.unit(rows).T
    sparse = dictionary.nearest(csr_matrix(rows[:3]), csr_matrix(rows), k)
    pick = lambda found: np.take_along_axis(cosines, found, 1)  # noqa: E731 - equal cosines may change places
    assert pick(sparse) == pytest.approx(pick(dense))
    assert (np.diff(pick(dense), axis=1) <= 1e-12).all()


def test_the_nearest_by_cosine_and_not_by_distance():
    among = np.array([[9.0, 0.1], [0.5, 0.5], [0.0, -1.0]])
    assert dictionary.nearest(np.array([[1.0, 0.0]]), among, 2).tolist() == [[0, 1]]


def test_recall_counts_neighbours_in_any_order():
    true = np.array([[0, 1], [2, 3]])
    assert dictionary.recall(true[:, ::-1], true) == 1
    assert dictionary.recall(np.array([[1, 7], [0, 1]]), true) == 0.25


def test_the_nearest_others_are_of_the_same_origin_or_not():
    rows = np.repeat(np.eye(15), 2, axis=0)[:, :15] + 0.01 * np.eye(30, 15)
    own = np.arange(30)
    assert dictionary.alike(rows, own) == 0  # each is alone, and does not count itself
    assert dictionary.alike(rows, own // 2) == 1
    assert dictionary.alike(csr_matrix(rows), own // 2) == 1


def test_a_row_among_equals_does_not_count_itself():
    rows = np.ones((30, 2))
    assert dictionary.alike(rows, np.arange(30)) == 0


@given(st.integers(1, 9), st.integers(1, 30), st.integers(0, 3))
def test_every_row_comes_before_any_comes_again(rows, count, seed):
    found = order(rows, count, seed)
    assert len(found) == count
    for start in range(0, count, rows):
        part = found[start : start + rows]
        assert len(set(part.tolist())) == len(part)


@pytest.fixture
def vectors(tmp_path, monkeypatch):
    """Thirty vectors that are all different, and five to be judged by."""
    np.save(tmp_path / "train.npy", np.arange(60, dtype=np.float32).reshape(30, 2))
    np.save(tmp_path / "test.npy", np.arange(10, dtype=np.float32).reshape(5, 2) ** 2)
    monkeypatch.setattr(dictionary, "FOLDER", tmp_path)
    return tmp_path


def test_a_library_learns_from_as_many_vectors_as_its_steps_have(vectors):
    seen = []

    def learn(X, wanted: Wanted):
        seen.append((X, wanted))
        return lambda test: (np.tile(test.mean(0), (len(test), 1)), np.array([True, False, False, True]))

    task = learning({"mean": learn})({"folder": str(vectors), "latents": 4, "k": 1, "batch": 8})
    assert [wanted.steps for _, wanted in seen] == [2]  # made beforehand
    asked = {"latents": 4, "k": 1, "batch": 8, "way": "mean", "rate": 1e-3, "seed": 3, "path": str(vectors / "out.npz")}
    block = task.block(asked | {"steps": 5})
    X, wanted = seen[-1]
    assert wanted == Wanted(4, 1, 8, 5, 1e-3, 3)
    assert len(X) == block["train"][0] == 40
    assert len(np.unique(X[:30], axis=0)) == 30
    found = dictionary.judged(block, vectors / "out.npz")
    assert found["fvu"] == pytest.approx(1)
    assert found["never"] == 50


def test_the_second_turn_is_as_long_as_the_first_was_fast(vectors):
    class Told:
        asked: list[dict[str, Any]] = []  # noqa: RUF012

        def go(self, **asked):
            self.asked.append(asked)
            np.savez(vectors / "out.npz", rebuilt=np.load(vectors / "test.npy"), fired=np.ones(4, bool))
            return {"train": [asked["steps"] * 8, asked["steps"] * 0.5], "wall": 1.0}

    found = dictionary.both(Told(), {"batch": 8}, vectors / "out.npz")  # pyright: ignore[reportArgumentType]
    assert [asked["steps"] for asked in Told.asked] == [dictionary.STEPS, round(dictionary.SECONDS / 0.5)]
    assert found["long seconds"] == dictionary.SECONDS
    assert found["long fvu"] == found["never"] == 0


def test_a_row_tells_means_over_the_seeds():
    one = {"tokens": 1, "seconds": 2, "rate": 100.0, "fvu": 0.25, "never": 1.0}
    one |= {f"long {name}": value for name, value in one.items()}
    two = one | {"fvu": 0.35, "rate": 300.0}
    assert (
        dictionary.row("who", None, [one, two])
        == "| who | its own | 200 (100–300) | 0.300 | 1.0 | 1 | 2.0 | 0.250 | 1.0 |"
    )


def test_vectors_are_made_once(vectors, monkeypatch):
    monkeypatch.setattr(dictionary, "running", lambda *_: pytest.fail("they are there"))
    for name in ("sentences", "queries", "origins"):
        np.save(vectors / f"{name}.npy", np.zeros((1, 2), np.float32))
    dictionary.activations(vectors)


def blobs(count, seed=0):
    """Return rows (N, 5) of three groups far apart, and which group each is of."""
    draw = np.random.default_rng(seed)
    y = np.arange(count) % 3
    return 9 * np.eye(5)[y] + draw.normal(size=(count, 5)), y


def test_a_map_that_keeps_two_of_the_numbers_knows_the_groups():
    (X, y), (other, true) = blobs(90), blobs(60, 1)
    world = maps.World(X, other, y, true)
    made = {"fitted": X[:, :2], "placed": other[:, :2], "rebuilt": other[:50] + 0.5}
    found = world.measured(made)
    assert found["kNN, placed"] > 0.95
    assert found["kNN, fitted"] > 0.95
    assert found["inverse MSE"] == pytest.approx(0.25)
    assert 0.5 < found["Spearman"] < 1
    shuffled = world.measured(made | {"placed": np.random.default_rng(0).permutation(other[:, :2])})
    assert shuffled["kNN, placed"] < 0.6
    assert shuffled["trustworthiness, placed"] < found["trustworthiness, placed"]
    assert shuffled["Spearman"] < 0.3


def test_a_map_that_loses_nothing_is_trusted_wholly():
    places = np.random.default_rng(0).normal(size=(60, 2))
    assert maps.near(places, 3 * places, "placed") == {"trustworthiness, placed": 1, "continuity, placed": 1}
    assert maps.spearman(places, 3 * places) == pytest.approx(1)


def test_a_map_that_folds_is_continuous_but_not_trusted():
    line = np.linspace(-1, 1, 200)[:, None] * [1, 0]
    found = maps.near(line, np.abs(line), "fitted")
    assert found["continuity, fitted"] > 0.97 > 0.9 > found["trustworthiness, fitted"]


def test_a_map_without_places_is_told_by_what_it_has():
    X, y = blobs(60)
    assert maps.World(X, X, y, y).measured({"fitted": X[:, :2]}).keys() == {
        "kNN, fitted",
        "trustworthiness, fitted",
        "continuity, fitted",
    }


@pytest.mark.parametrize("able", ["nothing", "places", "goes back"])
def test_a_worker_tells_what_its_library_is_able_to(able, tmp_path, monkeypatch):
    monkeypatch.setattr(mapping, "pixels", lambda _, rows: np.arange(3.0 * rows).reshape(rows, 3))
    imported, sizes = [], []

    def place(rows):
        sizes.append(len(rows))
        return rows[:, :2]

    def library():
        imported.append(able)
        back = (lambda places: np.repeat(places[:, :1], 3, axis=1)) if able == "goes back" else None
        return lambda X, seed: Map(X[:, :2] + seed, None if able == "nothing" else place, back, most=4)

    task = mapping.mapping({"way": library})({"way": "way", "rows": 6, "placed": 5})
    assert imported == []
    path = tmp_path / "map.npz"
    first, second = (task.block({"seed": seed, "path": str(path)}) for seed in (0, 1))
    assert imported == [able]
    assert first.keys() - second.keys() == {"import"}
    told = {"nothing": set(), "places": {"place", "one"}, "goes back": {"place", "one", "back"}}[able]
    assert second.keys() == {"fit"} | told
    with np.load(path) as file:
        assert file["fitted"].tolist() == (np.arange(18.0).reshape(6, 3)[:, :2] + 1).tolist()
        assert set(file.files) - {"fitted"} == {"nothing": set(), "places": {"placed"}}.get(able, {"placed", "rebuilt"})
        assert able != "goes back" or file["rebuilt"].shape == (4, 3)
    assert able == "nothing" or sizes[:3] == [5, 5, 1]


def test_the_first_fit_stands_apart_from_the_warm_ones():
    blocks = [{"import": (2.0, 1.0), "fit": (50.0, 40.0)}, {"fit": (4.0, 3.0)}, {"fit": (6.0, 5.0)}]
    assert maps.cost("who", blocks) == "| who | 2 (1) | 50 (40) | 5 (4) |  |  |  |"
    rest = {"place": (0.5, 0.25), "one": (1.0, 0.9), "back": (1.0, 1.0)}
    assert maps.cost("who", [blocks[0] | rest]) == "| who | 2 (1) | 50 (40) |  | 0.5 (0.25) | 1 (0.9) | 1 (1) |"


def test_a_measure_that_a_map_lacks_is_left_empty():
    found = [{"kNN, fitted": 0.5}, {"kNN, fitted": 0.75}]
    assert maps.quality("who", found) == "| who |  | 0.625 (0.500–0.750) |" + "  |" * 6


def test_every_method_and_library_has_a_worker_and_requirements():
    sides = [dictionary.SIDES[side] for side, _, _ in dictionary.LIBRARIES.values()]
    named = [(side.worker, side.peer) for side in sides] + [(worker, peer) for worker, _, peer in maps.METHODS.values()]
    root = dictionary.ENVIRONMENTS.parent / "benchmarks"
    for worker, peer in named:
        assert (root / "workers" / f"{worker}.py").exists()
        assert peer is None or "==" in (root / "peers" / f"{peer}.txt").read_text("utf-8")


TEXT = '''"""A module of some use to nobody.

Of its two paragraphs this one is prose, long enough to stand. It has two sentences, and both of them count.

>>> this is an example that has more than eight words but is no prose
"""


def f():
    """Short."""


class A:
    """Of its two paragraphs this one is prose, long enough to stand. It has two sentences, and both of them count.

    x : int, a parameter of the kind that tables of such have.
    This paragraph of the class is prose as well, and it is new.

    1.0 2.0 3.0 4.0 5.0 6.0 7.0 8.0 9.0 10.0 11.0 12.0 13.0 14.0.
    """
'''


def test_prose_is_read_once_and_no_examples(tmp_path, monkeypatch):
    (tmp_path / "pydoc_data").mkdir()
    (tmp_path / "pydoc_data" / "topics.py").write_text(
        f"topics = {{'short': {'Topic ' * 20 + 'one.'!r}, 'long': {'Topic ' * 120 + 'two.'!r}}}"
    )
    for name in ("a", "tests/b"):
        path = tmp_path / "made" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TEXT, "utf-8")
    monkeypatch.setattr(prose, "PACKAGES", ("made",))
    monkeypatch.setattr(prose, "_place", lambda package: tmp_path / package)
    topic, paragraphs = prose.documents()  # a short string is no topic, and what lies under tests is not read
    assert topic == ["Topic " * 120 + "two."]
    first = "Of its two paragraphs this one is prose, long enough to stand."
    assert paragraphs == [f"{first} It has two sentences, and both of them count."]
    assert prose.sentences(paragraphs) == [first, "It has two sentences, and both of them count."]


def test_arguments_choose_some(monkeypatch):
    monkeypatch.setattr("sys.argv", ["x", "--only", "PCA", "UMAP", "--rows", "500"])
    arguments = maps._arguments()
    assert isinstance(arguments, Namespace)
    assert (arguments.only, arguments.rows) == (["PCA", "UMAP"], 500)
