"""A folder that is written is one of SAELens, is read back the same, and takes the place only of its like."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from tests.exchange.golden import NAMES, ROOM, place

from diabolo.errors import CapabilityError, FileError
from diabolo.exchange import Weights, read, write

NOT_OF_SAELENS = {"sparsify-groupmax", "sparsify-skip", "sparsify-skip_transcoder"}
MADE = "architecture apply_b_dec_to_input d_in d_sae device dtype metadata normalize_activations reshape_activations"


def tiny(**rest) -> Weights:
    torch.manual_seed(0)
    return Weights(torch.randn(6, 3), torch.randn(6), torch.randn(6, 3), torch.randn(3), **rest)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NOT_OF_SAELENS])
def test_what_is_written_is_read_back(name, tmp_path):
    weights, x = read(place(name)), load_file(ROOM / name / "expected.safetensors")["x"]
    write(weights, tmp_path / "sae")
    again = read(tmp_path / "sae")
    for key, tensor in again.tensors.items():
        assert torch.equal(tensor, weights.tensors[key])
    torch.testing.assert_close(again.encode(x), weights.encode(x))
    torch.testing.assert_close(again.decode(again.encode(x), x), weights.decode(weights.encode(x), x))
    kept = ("groups", "norm", "subtracts_bias", "inputs", "target")
    assert [getattr(again, key) for key in kept] == [getattr(weights, key) for key in kept]
    assert weights.about.items() <= again.about.items()
    write(again, tmp_path / "sae")
    assert read(tmp_path / "sae").about == again.about


@pytest.mark.parametrize("name", sorted(NOT_OF_SAELENS))
def test_what_saelens_does_not_have_is_said(name, tmp_path):
    with pytest.raises(CapabilityError, match="SAELens has no architecture for a"):
        write(read(place(name)), tmp_path / "sae")
    assert not (tmp_path / "sae").exists()


@pytest.mark.parametrize(
    ("name", "architecture", "more"),
    [
        ("saelens-standard", "standard", ""),
        ("saelens-topk", "topk", "k rescale_acts_by_decoder_norm"),
        ("saelens-abstopk", "abstopk", "k rescale_acts_by_decoder_norm"),
        ("saelens-gated", "gated", ""),
        ("saelens-batchtopk", "jumprelu", ""),
        ("dictionary_learning-batchtopk", "jumprelu", ""),
        ("saelens-transcoder", "transcoder", "d_out"),
        ("saelens-skip_transcoder", "skip_transcoder", "d_out"),
        ("saelens-jumprelu_transcoder", "jumprelu_transcoder", "d_out"),
        ("saelens-jumprelu_skip_transcoder", "jumprelu_skip_transcoder", "d_out"),
        ("sparsify-transcoder", "topk", "k rescale_acts_by_decoder_norm"),
    ],
)
def test_the_config_has_what_saelens_asks_for(name, architecture, more, tmp_path):
    write(read(place(name)), tmp_path / "sae")
    config = json.loads((tmp_path / "sae" / "cfg.json").read_text())
    assert sorted(config) == sorted([*MADE.split(), *more.split()])
    assert config["architecture"] == architecture
    assert config["metadata"]["sae_lens_version"] == "6.0.0"


@pytest.mark.parametrize("name", ["topk", "abstopk", "standard", "gated", "jumprelu", "transcoder", "skip_transcoder"])
def test_a_dictionary_of_saelens_is_written_as_saelens_writes_it(name, tmp_path):
    write(read(place(f"saelens-{name}")), tmp_path)
    ours, theirs = (json.loads((folder / "cfg.json").read_text()) for folder in (tmp_path, ROOM / f"saelens-{name}"))
    assert {key: value for key, value in ours.items() if key != "metadata"} == {
        key: value for key, value in theirs.items() if key != "metadata"
    }
    ours, theirs = (load_file(folder / "sae_weights.safetensors") for folder in (tmp_path, ROOM / f"saelens-{name}"))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_a_skip_beside_a_subtracted_bias_is_written_as_what_computes_the_same(tmp_path):
    weights, x = tiny(skip=torch.eye(3)), torch.randn(4, 3)
    write(weights, tmp_path)
    again = read(tmp_path)
    assert (again.transcodes, again.subtracts_bias) == (True, False)
    torch.testing.assert_close(again.encode(x), weights.encode(x))
    torch.testing.assert_close(again.decode(again.encode(x), x), weights.decode(weights.encode(x), x))


def test_a_scale_is_folded_in(tmp_path):
    weights, x = tiny(scale=0.25), torch.randn(4, 3)
    write(weights, tmp_path)
    again = read(tmp_path)
    assert again.scale == 1
    torch.testing.assert_close(again.decode(again.encode(x)), weights.decode(weights.encode(x)))


def test_how_often_latents_are_active_is_written_in_a_file_of_its_own(tmp_path):
    write(tiny(sparsity=torch.linspace(-3, 0, 6)), tmp_path)
    assert torch.equal(load_file(tmp_path / "sparsity.safetensors")["sparsity"], torch.linspace(-3, 0, 6))
    write(tiny(), tmp_path)
    assert not (tmp_path / "sparsity.safetensors").exists()


def test_a_batch_without_a_threshold_is_refused(tmp_path):
    with pytest.raises(CapabilityError, match="give it a threshold"):
        write(tiny(kind="batch-topk", k=2), tmp_path / "sae")


@pytest.mark.parametrize("files", [("notes.txt",), ("cfg.json",), ("cfg.json", "sae.safetensors"), ("config.json",)])
def test_what_is_no_folder_of_saelens_stays(files, tmp_path):
    for name in files:
        (tmp_path / name).write_text("mine")
    with pytest.raises(FileError, match="is no folder of SAELens"):
        write(tiny(), tmp_path)
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(files)
    with pytest.raises(FileError, match="is no folder of SAELens"):
        write(tiny(), tmp_path / files[0])


@pytest.mark.parametrize("about", [{"rate": float("nan")}, {"model": object()}])
def test_an_about_that_is_no_json_is_refused_and_the_older_folder_stays(about, tmp_path):
    write(tiny(), tmp_path / "sae")
    with pytest.raises(FileError, match="no plain JSON"):
        write(replace(tiny(), about=about), tmp_path / "sae")
    assert torch.equal(read(tmp_path / "sae").encoder, tiny().encoder)
