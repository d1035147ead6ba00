"""The generator on the command line: fit, sample, and what is asked for."""

import json

import numpy as np
import pandas as pd
import pytest

QUICK = ("--set", "training.steps=40", "--quiet")


@pytest.fixture
def shop(tmp_path):
    rng = np.random.default_rng(0)
    city = rng.choice(["Oslo", "Rome"], 200)
    frame = pd.DataFrame({"price": np.where(city == "Oslo", 10.0, 90.0) + rng.normal(size=200), "city": city})
    frame.assign(age=rng.integers(18, 80, 200), size=rng.uniform(size=200)).to_csv(tmp_path / "shop.csv", index=False)
    return tmp_path / "shop.csv"


@pytest.fixture
def model(call, shop, tmp_path):
    code, _, err = call("fit", "generator", shop, "-o", tmp_path / "model", "-n", 2, *QUICK)
    assert code == 0, err
    return tmp_path / "model"


def test_rows_are_written_as_they_came(call, model, shop, tmp_path):
    for name in ("one.csv", "two.csv"):
        code, out, _ = call("sample", model, "-n", 30, "-o", tmp_path / name, "--seed", 3, "--json")
        assert code == 0
        assert json.loads(out)["shape"] == [30, 4]
    assert (tmp_path / "one.csv").read_text() == (tmp_path / "two.csv").read_text()
    new, real = pd.read_csv(tmp_path / "one.csv"), pd.read_csv(shop)
    assert list(new.columns) == list(real.columns)
    assert new["age"].dtype == real["age"].dtype
    assert set(new["city"]) <= {"Oslo", "Rome"}
    assert call("sample", model, "-o", tmp_path / "other.parquet")[0] == 0
    assert len(pd.read_parquet(tmp_path / "other.parquet")) == 100


def test_what_is_asked_for_comes(call, shop, tmp_path):
    given = tmp_path / "given"
    code, _, err = call(
        "fit", "generator", shop, "-o", given, "-n", 2, "--condition", "city", "--set", "training.steps=400", "--quiet"
    )
    assert code == 0, err
    for city, price in (("Oslo", 10), ("Rome", 90)):
        assert call("sample", given, "-n", 200, "-o", tmp_path / "s.csv", "--condition", city, "--seed", 0)[0] == 0
        assert np.median(pd.read_csv(tmp_path / "s.csv")["price"]) == pytest.approx(price, abs=10)
    assert call("sample", given, "-n", 5, "-o", tmp_path / "s.csv", "--condition", "city=Oslo")[0] == 0


@pytest.fixture
def coded(call, tmp_path):
    """A generator of what is known of parcels: their zip code, and their weight."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"zip": rng.choice(["00501", "10001", "a=b"], 90), "price": rng.normal(size=90)})
    frame.to_csv(tmp_path / "zips.csv", index=False)
    args = ("fit", "generator", tmp_path / "zips.csv", "-o", tmp_path / "zips", "-n", 1, "--condition", "zip", *QUICK)
    code, _, err = call(*args)
    assert code == 0, err
    return tmp_path / "zips"


def test_codes_are_asked_for_as_they_are(call, coded, tmp_path):
    sample = ("sample", coded, "-n", 4, "-o", tmp_path / "s.csv", "--seed", 0, "--condition")
    seen = {}
    for text in ("00501", "zip=00501", "10001", "1e4", "10001.0", "a=b", "zip=a=b"):
        code, _, err = call(*sample, text)
        seen[text] = (tmp_path / "s.csv").read_text() if code == 0 else err
    assert seen["00501"] == seen["zip=00501"] != seen["10001"] == seen["10001.0"]
    assert seen["a=b"] == seen["zip=a=b"] != seen["00501"]
    assert "got '1e4'. Fit anew" in seen["1e4"]
    for text, word in (("501", "got '501'"), ("00502", "got '00502'"), ("1_0001", "got '1_0001'")):
        code, _, err = call(*sample, text)
        assert code == 1
        assert word in err, text


def test_several_conditions_are_each_named_once(call, coded, tmp_path):
    for given in (["zip=00501", "zip=10001"], ["10001", "00501"]):
        asked = [word for text in given for word in ("--condition", text)]
        code, _, err = call("sample", coded, "-o", tmp_path / "s.csv", *asked)
        assert code == 1
        assert f"must give 'zip' once, as COLUMN=VALUE; got {given[0]!r}, {given[1]!r}" in err


def test_likelihoods_info_and_report(call, model, shop, tmp_path):
    assert call("apply", model, shop, "-o", tmp_path / "p.npy", "--as", "log_likelihood")[0] == 0
    assert np.load(tmp_path / "p.npy").shape == (200,)
    assert json.loads(call("info", model, "--json")[1])["estimator"] == "Generator"
    pytest.importorskip("matplotlib")
    assert call("report", model, shop, "-o", tmp_path / "r.html")[0] == 0
    assert "New samples" in (tmp_path / "r.html").read_text()


def test_errors_are_one_sentence(call, model, shop, tmp_path):
    assert call("fit", "reducer", shop.with_name("n.npy"), "-o", tmp_path / "m")[0] == 1
    np.save(tmp_path / "n.npy", np.random.default_rng(0).normal(size=(50, 3)))
    assert call("fit", "reducer", tmp_path / "n.npy", "-o", tmp_path / "reducer", *QUICK)[0] == 0
    fit = ("fit", "generator", shop, "-o", tmp_path / "m", *QUICK)
    for args, word in (
        (("sample", tmp_path / "reducer", "-o", tmp_path / "s.csv"), "'reducer' is a Reducer. Fit one first"),
        (("sample", model, "-o", tmp_path / "s.csv", "-n", 0), "'n' of sample must be an integer >= 1"),
        (("sample", model, "-o", tmp_path / "s.csv", "--condition", "Oslo"), "fitted without y"),
        (("sample", model, "-o", tmp_path / "s.txt"), "known suffixes"),
        ((*fit, "--condition", "citty"), "unknown column 'citty'; known: age, city, price, size. Did you mean 'city'"),
        (("fit", "generator", tmp_path / "n.npy", "-o", tmp_path / "m", "--condition", "a"), "unknown column 'a'"),
        (("fit", "reducer", shop, "-o", tmp_path / "m", "--condition", "city"), "--condition is for a generator"),
        ((*fit, "--recipe", "unet"), "net that decodes codes alone"),
    ):
        code, out, err = call(*args)
        assert (code, out) == (1, ""), args
        assert word in err
        assert err.count("\n") == 1
    assert not (tmp_path / "s.csv").exists()


def test_a_conditioned_model_is_applied_to_and_reported_on_the_table_it_came_from(call, coded, tmp_path):
    data = tmp_path / "zips.csv"
    for verb, kind in (("apply", "csv"), ("report", "html")):
        code, _, err = call(verb, tmp_path / "zips", data, "-o", tmp_path / f"l.{kind}")
        assert code == 1
        assert "beside those of training, 'zip'. Add --condition zip if it is what the generator was told" in err
    args = ("--condition", "zip", "--json")
    assert call("apply", tmp_path / "zips", data, "-o", tmp_path / "l.csv", "--as", "log_likelihood", *args)[0] == 0
    likelihoods = pd.read_csv(tmp_path / "l.csv")
    assert list(likelihoods.columns) == ["log_likelihood"]
    assert np.isfinite(likelihoods["log_likelihood"]).sum() == 90
    assert call("report", tmp_path / "zips", data, "-o", tmp_path / "r.html", *args)[0] == 0


def test_a_column_beside_is_no_condition_where_there_was_none(call, shop, tmp_path):
    assert call("fit", "generator", shop, "-o", tmp_path / "free", "-n", 1, *QUICK)[0] == 0
    pd.read_csv(shop).assign(more=1.0).to_csv(tmp_path / "more.csv", index=False)
    code, _, err = call("apply", tmp_path / "free", tmp_path / "more.csv", "-o", tmp_path / "l.csv")
    assert code == 1
    assert "not known: 'more'" in err
    assert "--condition" not in err


def test_a_model_says_what_it_was_told(call, coded, shop, tmp_path):
    known = json.loads(call("info", coded, "--json")[1])
    assert known["conditions"] == "zip: '00501', '10001', 'a=b'"
    assert known["density"].startswith("Mixture(")
    assert call("fit", "generator", shop, "-o", tmp_path / "free", "-n", 1, *QUICK)[0] == 0
    free = json.loads(call("info", tmp_path / "free", "--json")[1])
    assert "conditions" not in free
    args = ("--condition", "city", "--set", "training.steps=5", "--set", "tuning.steps=5", "--quiet")
    assert call("fit", "classifier", shop, "-o", tmp_path / "classes", *args)[0] == 0
    classes = json.loads(call("info", tmp_path / "classes", "--json")[1])["classes"]
    assert classes == sorted(pd.read_csv(shop)["city"].unique())


def test_a_classifier_is_applied_to_the_table_it_came_from(call, shop, tmp_path):
    code, _, err = call("fit", "classifier", shop, "-o", tmp_path / "none", *QUICK)
    assert code == 1
    assert "--condition" in err
    args = ("--set", "training.steps=20", "--set", "tuning.steps=20", "--quiet")
    code, _, err = call("fit", "classifier", shop, "-o", tmp_path / "classes", "--condition", "city", *args)
    assert code == 0, err
    code, _, err = call("apply", tmp_path / "classes", shop, "-o", tmp_path / "p.csv", "--condition", "city")
    assert code == 0, err
    assert len(pd.read_csv(tmp_path / "p.csv")) == 200
    assert call("report", tmp_path / "classes", shop, "-o", tmp_path / "r.html", "--condition", "city")[0] == 0
