"""Saved dictionaries: read back they give the same bits, what was tampered with is refused, a killed fit goes on."""

from typing import Any

import numpy as np
import pytest
import torch
from tests.planted import planted

import diabolo
from diabolo import Dictionary, Training, files
from diabolo.errors import FileError
from diabolo.nets import Atoms
from diabolo.recipes import OF_VECTORS
from diabolo.training import Callback

X = planted(300)[0]
LAYERS = np.stack([X, 1e4 * X[:, ::-1]], axis=1)
TARGET = X[:, :5] * 3 + 1
SHORT = Training(epochs=2)


def fitted(data: Any = X, target: Any = None, **rest: Any) -> Dictionary:
    return Dictionary(24, training=SHORT, random_state=0, **rest).fit(data, target=target)


def same(one: Dictionary, two: Dictionary, data: np.ndarray = X) -> bool:
    codes = [each.transform(data) for each in (one, two)]
    return (codes[0] != codes[1]).nnz == 0 and np.array_equal(*(each.reconstruct(data) for each in (one, two)))


@pytest.mark.parametrize("suffix", ["", ".zip"])
@pytest.mark.parametrize("recipe", OF_VECTORS)
def test_round_trip(recipe, suffix, tmp_path):
    found = fitted(recipe=recipe)
    found.save(tmp_path / f"d{suffix}")
    again = diabolo.load(tmp_path / f"d{suffix}", device="cpu")
    assert same(found, again)
    assert again.get_params(deep=False) == found.get_params(deep=False) | {"device": "cpu"}
    assert (again.fvu_, again.l0_, again.dead_) == (found.fvu_, found.l0_, found.dead_)
    assert np.array_equal(again.atoms_, found.atoms_)
    assert again.facts() == found.facts()
    assert again.n_features_in_ == 16


def test_crosscoders_pictures_and_transcoders_come_back(tmp_path):
    for i, (data, target) in enumerate([(LAYERS, None), (X.reshape(-1, 1, 4, 4), None), (X, TARGET)]):
        found = fitted(data, target, k=4)
        found.save(tmp_path / str(i))
        again = diabolo.load(tmp_path / str(i))
        assert same(found, again, data)
        assert np.array_equal(again.atoms_, found.atoms_)
        assert again.score(data, target) == found.score(data, target)
        assert again.reconstruct(data).shape == (data if target is None else target).shape


def test_names_of_columns_come_back(tmp_path):
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(X, columns=[f"c{i} ✓" for i in range(16)])
    fitted(frame).save(tmp_path / "d")
    again = diabolo.load(tmp_path / "d")
    assert again.feature_names_in_.tolist() == list(frame.columns)
    assert again.get_feature_names_out()[-1] == "dictionary23"


EVIL = {
    "another estimator": lambda d, a: d.update(estimator="Recommender"),
    "no estimator": lambda d, a: d.update(estimator="os.system"),
    "no shape": lambda d, a: d["job"].pop("shape"),
    "no job": lambda d, a: d.pop("job"),
    "another shape": lambda d, a: d["job"].update(shape=[2, 9]),
    "a shape of nothing": lambda d, a: d["job"].update(shape=[]),
    "a shape of many axes": lambda d, a: d["job"].update(shape=[2, 2, 2, 2]),
    "a negative shape": lambda d, a: d["job"].update(shape=[-2, -8]),
    "a shape of text": lambda d, a: d["job"].update(shape="16"),
    "a shape in words": lambda d, a: d["job"].update(shape=["a"]),
    "a shape of fractions": lambda d, a: d["job"].update(shape=[2.5, 6.4]),
    "other vectors": lambda d, a: d.update(shape=[17]),
    "huge vectors": lambda d, a: d.update(shape=[2**31]),
    "another target": lambda d, a: d.update(target=[5]),
    "more latents": lambda d, a: d.update(code=25),
    "very many latents": lambda d, a: d.update(code=2**30),
    "a forbidden k": lambda d, a: d["params"].update(k=-1),
    "k in words": lambda d, a: d["params"].update(k="many"),
    "another shape that fits by chance": lambda d, a: d["job"].update(shape=[1, 1, 1, 16]),
    "a parameter that is not there": lambda d, a: d["params"].update(callback="x"),
    "no recipe": lambda d, a: d.pop("recipe"),
    "a part that is no recipe": lambda d, a: d.update(recipe=Atoms().to_json()),
    "a recipe of nobody": lambda d, a: d.update(recipe={"part": "os.system"}),
    "no weights": lambda d, a: a.clear(),
    "no atoms": lambda d, a: a.pop("model.decoder.weight"),
    "atoms of another width": lambda d, a: a.update({"model.decoder.weight": torch.zeros(24, 15)}),
    "an array too many": lambda d, a: a.update({"model.extra": torch.zeros(3)}),
    "no scaling": lambda d, a: a.pop("scaling.shift"),
    "a scaling of another size": lambda d, a: a.update({"scaling.shift": torch.zeros(3, dtype=torch.float64)}),
    "half a scaling of a target": lambda d, a: a.update({"job.target.shift": torch.zeros(16, dtype=torch.float64)}),
    "a scaling of another target": lambda d, a: a.update(
        {f"job.target.{name}": torch.ones(3, dtype=torch.float64) for name in ("shift", "scale")}
    ),
    "no measure": lambda d, a: d["fitted"].pop("fvu_"),
    "no history": lambda d, a: d.update(history=7),
}


@pytest.mark.parametrize("change", EVIL.values(), ids=EVIL)
def test_what_was_tampered_with_is_refused(change, tmp_path):
    fitted().save(tmp_path / "d")
    document, arrays = files.load(tmp_path / "d")
    change(document, arrays)
    files.save(tmp_path / "d", document, arrays)
    with pytest.raises(FileError):
        diabolo.load(tmp_path / "d")


def test_a_cut_or_edited_file_is_refused(tmp_path):
    fitted().save(tmp_path / "d")
    weights = tmp_path / "d" / "weights.safetensors"
    whole = weights.read_bytes()
    for broken in (whole[:-7], whole[:-1] + bytes([whole[-1] ^ 1]), b""):
        weights.write_bytes(broken)
        with pytest.raises(FileError):
            diabolo.load(tmp_path / "d")


class Killed(Callback):
    """Ends the run after some epochs, as a crash would."""

    def __init__(self, after: int) -> None:
        self.left = after

    def on_epoch(self, run: Any) -> None:
        self.left -= 1
        if not self.left:
            raise RuntimeError("killed")


@pytest.mark.parametrize("recipe", ["top-k", "batch-top-k", "winner-take-all", "jump-relu"])
def test_a_killed_fit_goes_on_as_if_nothing_had_been(recipe, tmp_path):
    def dictionary() -> Dictionary:
        return Dictionary(24, recipe=recipe, training=Training(epochs=4), random_state=0)

    whole = dictionary().fit(X, checkpoint=tmp_path / "whole")
    with pytest.raises(RuntimeError, match="killed"):
        dictionary().fit(X, checkpoint=tmp_path / "part", callbacks=[Killed(2)])
    resumed = dictionary().fit(X, checkpoint=tmp_path / "part")
    assert same(whole, resumed)
    columns = [dict(each.history_.columns) for each in (whole, resumed)]
    assert columns[0]["loss"] == columns[1]["loss"]
