"""The commands, as a user would call them."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.anomalies import orders
from tests.worlds import iris

from diabolo import Reducer, load
from diabolo.recipes import OF_VECTORS, RECIPES


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "iris.npy"
    np.save(path, iris())
    return path


FAST = ("--set", "training.epochs=3", "--quiet")


def test_fit_apply_info_report(call, table, tmp_path):
    model, codes = tmp_path / "model", tmp_path / "codes.npy"
    assert call("fit", "reducer", table, "-o", model, "-n", 3, *FAST)[0] == 0
    code, out, err = call("apply", model, table, "-o", codes)
    assert (code, err) == (0, "")
    assert f"wrote {codes}" in out
    assert np.load(codes).shape == (150, 3)
    assert call("apply", model, table, "-o", tmp_path / "back.csv", "--as", "reconstruct")[0] == 0
    assert call("apply", model, codes, "-o", tmp_path / "decoded.npy", "--as", "inverse_transform")[0] == 0
    np.testing.assert_allclose(
        np.loadtxt(tmp_path / "back.csv", delimiter=",", skiprows=1), np.load(tmp_path / "decoded.npy")
    )
    assert "errors model" in call("info", model)[1]
    pytest.importorskip("matplotlib")
    assert call("report", model, table, "-o", tmp_path / "report.html")[0] == 0
    assert "<img" in (tmp_path / "report.html").read_text() or "<svg" in (tmp_path / "report.html").read_text()


def test_json_for_machines(call, table, tmp_path):
    args = ("fit", "reducer", table, "-o", tmp_path / "m.zip", "--recipe", "vae", "--set", "latent.beta=4", "--json")
    code, out, _ = call(*args, *FAST)
    fact = json.loads(out)
    assert code == 0
    assert fact["code"] == 2
    assert "beta=4" in fact["recipe"]
    assert json.loads(call("info", tmp_path / "m.zip", "--json")[1])["epochs"] == 3
    listed = json.loads(call("recipes", "--json")[1])
    assert [row["name"] for row in listed] == [*RECIPES, *OF_VECTORS]
    assert {row["of"] for row in listed[len(RECIPES) :]} == {"vectors, by a dictionary"}
    assert all(row["loss"].startswith("loss = ") for row in listed)


def test_the_same_seed_writes_the_same_weights(call, table, tmp_path):
    for name in ("one", "two"):
        assert call("fit", "reducer", table, "-o", tmp_path / name, "--seed", 4, *FAST)[0] == 0
    one, two = ((tmp_path / name / "weights.safetensors").read_bytes() for name in ("one", "two"))
    assert one == two


@pytest.mark.parametrize(
    "setting, word",
    [
        ("latent.beta", "PATH=VALUE"),
        ("latent=Gausian()", "Did you mean 'Gaussian'"),
        ("latent.k=3", "Plain has no such parameter"),
        ("latnt.beta=3", "Did you mean 'latent'"),
        ("trainng.steps=3", "Did you mean 'training'"),
        ("training.epochs=many", "epochs.*integer.*'many'"),
        ("training.epochs=0", "epochs.*integer in .*got 0"),
        ("corruption.sigma=1", "set 'corruption' first"),
        ("latent=__import__('os').system('true')", "one of the latents"),
    ],
)
def test_bad_settings_are_one_line(call, table, tmp_path, setting, word):
    code, out, err = call("fit", "reducer", table, "-o", tmp_path / "model", "--set", setting, "--quiet")
    assert (code, out) == (1, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert __import__("re").search(word, err), err
    assert not (tmp_path / "model").exists()


def test_settings_reach_everywhere(call, table, tmp_path):
    settings = ["latent=TopK(k=2)", "recipe.net=MLP(hidden=(8,))", "penalties=(MMD(weight=2.0),)", "training.clip=None"]
    flags = [flag for setting in settings for flag in ("--set", setting)]
    code, out, err = call("fit", "reducer", table, "-o", tmp_path / "m", *flags, *FAST, "--json")
    assert code == 0, err
    recipe = json.loads(out)["recipe"]
    assert "TopK(k=2)" in recipe
    assert "hidden=(8,)" in recipe
    assert "MMD(weight=2.0" in recipe


def test_errors_of_every_kind(call, table, tmp_path):
    for args, word in (
        (("fit", "reductor", table, "-o", tmp_path / "m"), "Did you mean 'reducer'"),
        (("fit", "reducer", tmp_path / "no.npy", "-o", tmp_path / "m"), "no.npy"),
        (("fit", "reducer", table, "-o", tmp_path / "m", "--recipe", "vea"), "Did you mean 'vae'"),
        (("apply", tmp_path / "nowhere", table, "-o", tmp_path / "c.npy"), "nowhere"),
        (("info", tmp_path / "nowhere"), "nowhere"),
    ):
        code, out, err = call(*args)
        assert (code, out) == (1, "")
        assert word in err
        assert err.count("\n") == 1
    code, out, _ = call("info", tmp_path / "nowhere", "--json")
    assert code == 1
    assert json.loads(out)["error"]["type"] == "MissingFileError"
    assert call("fit")[0] == 2
    assert call("no-such-command")[0] == 2


def test_a_foreign_folder_is_refused_before_anything_is_learned(call, table, tmp_path, monkeypatch):
    monkeypatch.setattr("diabolo.estimators.Reducer.fit", lambda *_, **__: pytest.fail("it was fitted"))
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work")
    code, _, err = call("fit", "reducer", table, "-o", tmp_path / "thesis", *FAST)
    assert code == 1
    assert "thesis" in err
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "years of work"


def test_help_needs_no_torch():
    code = "import sys; from diabolo.cli.app import app; sys.exit('torch' in sys.modules or 'sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_version(call):
    import diabolo

    assert call("--version")[1].split() == ["diabolo", diabolo.__version__]


@pytest.fixture
def orders_csv(tmp_path):
    path = tmp_path / "orders.csv"
    orders(200).drop(columns="when").to_csv(path, index=False)  # dates of a .csv are text
    return path


STEPS = ("--set", "training.steps=50", "--quiet")


def test_a_detector_of_a_table_with_text(call, orders_csv, tmp_path):
    import pandas as pd

    from diabolo import load

    model, frame = tmp_path / "model", pd.read_csv(orders_csv)
    code, out, err = call("fit", "detector", orders_csv, "-o", model, "--set", "contamination=0.05", *STEPS)
    assert (code, err) == (0, "")
    assert "estimator Detector" in " ".join(out.split())
    fitted = load(model)
    assert fitted.contamination == 0.05
    for verb in ("score_samples", "predict", "p_values", "explain", "reconstruct"):
        written = tmp_path / f"{verb}.csv"
        code, out, err = call("apply", model, orders_csv, "-o", written, "--as", verb)
        assert (code, err) == (0, ""), err
        got, expected = pd.read_csv(written), getattr(fitted, verb)(frame)
        if verb in ("explain", "reconstruct"):
            assert list(got.columns) == list(frame.columns)
        if verb != "reconstruct":
            np.testing.assert_allclose(got.to_numpy().reshape(np.shape(expected)), expected, rtol=1e-6)
        else:
            assert got["city"].tolist() == expected["city"].tolist()
    assert (pd.read_csv(tmp_path / "predict.csv").to_numpy() < 0).sum() == 10
    assert call("apply", model, orders_csv, "-o", tmp_path / "scores.npy")[0] == 0
    np.testing.assert_allclose(np.load(tmp_path / "scores.npy"), fitted.score_samples(frame), rtol=1e-9)
    assert json.loads(call("info", model, "--json")[1])["offset_"] == fitted.offset_
    pytest.importorskip("matplotlib")
    assert call("report", model, orders_csv, "-o", tmp_path / "report.html")[0] == 0
    page = (tmp_path / "report.html").read_text()
    assert "threshold" in page
    assert "reason 1" in page


def test_settings_of_a_detector(call, table, tmp_path):
    settings = ("false_alarm_rate=0.1", "corruption.sigma=0.5", "latent=TopK(k=2)", "training.batch_size=64")
    flags = [flag for setting in settings for flag in ("--set", setting)]
    code, out, err = call("fit", "detector", table, "-o", tmp_path / "m", "-n", 3, *flags, *STEPS, "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert told["code"] == 3
    assert "TopK(k=2)" in told["recipe"]
    assert "sigma=0.5" in told["recipe"]
    assert call("fit", "detector", table, "-o", tmp_path / "m", "--set", "contamination=auto", *STEPS)[0] == 0


def test_errors_of_a_detector_are_one_sentence(call, orders_csv, table, tmp_path):
    model = tmp_path / "model"
    (tmp_path / "ids.csv").write_text("id,x\n" + "".join(f"customer {i},{i}\n" for i in range(100)))
    (tmp_path / "other.csv").write_text(orders_csv.read_text().replace("price", "cost", 1))
    (tmp_path / "text.csv").write_text(orders_csv.read_text().replace("\n", "\ndear", 2))
    assert call("fit", "detector", orders_csv, "-o", model, *STEPS)[0] == 0
    fit = ("fit", "detector", orders_csv, "-o", tmp_path / "m", *STEPS)
    for args, word in (
        ((*fit, "--set", "contamination=0.9"), "in (0, 0.5] or 'auto'; got 0.9"),
        ((*fit, "--set", "contamination=lots"), "got 'lots'"),
        ((*fit, "--set", "false_alarm_rate=2"), "'false_alarm_rate' of Detector"),
        ((*fit, "--set", "false_alarm_rate=0.1", "--set", "contamination=0.1"), "Leave out one of the two"),
        ((*fit, "--set", "contaminaton=0.1"), "contaminaton"),
        (("fit", "detector", tmp_path / "ids.csv", "-o", tmp_path / "m", *STEPS), "Column 'id'"),
        (("apply", model, tmp_path / "other.csv", "-o", tmp_path / "s.csv"), "feature names"),
        (("apply", model, tmp_path / "text.csv", "-o", tmp_path / "s.csv"), "Column 'price' must hold numbers"),
        (("apply", model, orders_csv, "-o", tmp_path / "s.csv", "--as", "transform"), "unknown verb 'transform'"),
        (("apply", model, orders_csv, "-o", tmp_path / "s.npy", "--as", "reconstruct"), "numbers"),
    ):
        code, out, err = call(*args)
        assert (code, out) == (1, ""), args
        assert err.startswith("error: ")
        assert word in err
        assert err.count("\n") == 1
    assert not (tmp_path / "m").exists()
    assert not (tmp_path / "s.csv").exists()


@pytest.mark.parametrize("setting", ["device=cpu", "n_components=3", "random_state=1"])
def test_what_has_an_option_is_not_set_by_path(call, table, tmp_path, setting):
    code, _, err = call("fit", "detector", table, "-o", tmp_path / "model", "--set", setting)
    assert code == 1
    assert setting.partition("=")[0] in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "command",
    [
        ("apply", "model", "rows.csv", "-o", "rows.csv"),
        ("apply", "model", "rows.npz:X", "-o", "rows.npz"),
        ("apply", "model", "parts", "-o", "parts/0.parquet"),
        ("report", "model", "rows.html", "-o", "rows.html"),
        ("report", "model", "rows.npz", "--target", "rows.html", "-o", "rows.html"),
    ],
)
def test_what_is_read_is_never_replaced(call, tmp_path, monkeypatch, command):
    monkeypatch.chdir(tmp_path)
    Reducer(2, recipe="linear").fit(iris()).save("model")
    np.savez("rows.npz", X=iris())
    (tmp_path / "parts").mkdir()
    pd.DataFrame(iris()).rename(columns=str).to_parquet("parts/0.parquet")
    for name in ("rows.csv", "rows.html"):
        (tmp_path / name).write_text("a,b,c,d\n1,2,3,4\n")
    before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    code, _, err = call(*command)
    assert (code, err) == (
        1,
        f"error: {Path(command[-1]).name!r} is itself among what is read; name another file to write.\n",
    )
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


def test_a_report_is_written_as_a_page(call, table, tmp_path):
    Reducer(2, recipe="linear").fit(iris()).save(tmp_path / "model")
    code, _, err = call("report", tmp_path / "model", table, "-o", tmp_path / "rep.csv")
    assert (code, err) == (1, "error: A report is a page; name a file that ends in .html. Got 'rep.csv'.\n")


def test_the_data_before_the_job_are_told_to_swap(call, table, tmp_path):
    code, _, err = call("fit", table, "detector", "-o", tmp_path / "model")
    assert code == 1
    assert "diabolo fit detector DATA" in err


@pytest.mark.parametrize("name", [".", "rows.csv"])
def test_what_is_no_checkpoint_is_named_with_its_parameter(call, table, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rows.csv").write_text("a\n1\n")
    code, _, err = call("fit", "reducer", table, "-o", "model", "--checkpoint", name, *FAST)
    assert code == 1
    assert "'checkpoint' must name a new file" in err


def test_an_interrupted_fit_keeps_its_model_and_says_so(call, table, tmp_path, monkeypatch):
    def stop(self, run):
        raise KeyboardInterrupt

    monkeypatch.setattr("diabolo.training.callbacks.Progress.on_epoch", stop)
    code, out, err = call("fit", "reducer", table, "-o", tmp_path / "model", "--set", "training.epochs=3")
    assert code == 130
    assert "interrupted" in err
    assert f"wrote {tmp_path / 'model'}" in out
    assert load(tmp_path / "model").transform(iris()).shape == (150, 2)
