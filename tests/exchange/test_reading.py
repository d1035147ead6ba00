"""Files of other libraries give the codes and reconstructions that the libraries give."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file
from tests.exchange.golden import NAMES, ROOM, place

from diabolo.errors import FileError, MissingFileError
from diabolo.exchange import read

LIBRARIES = {
    "saelens": "SAELens",
    "sparsify": "sparsify",
    "dictionary_learning": "dictionary_learning",
    "openai": "openai/sparse_autoencoder",
}
KINDS = {
    "dictionary_learning-april": "relu",
    "dictionary_learning-batchtopk": "batch-topk",
    "dictionary_learning-gated": "gated",
    "dictionary_learning-jumprelu": "jumprelu",
    "dictionary_learning-matryoshka": "batch-topk",
    "dictionary_learning-standard": "relu",
    "dictionary_learning-topk": "topk",
    "openai-relu": "relu",
    "openai-topk": "topk",
    "saelens-abstopk": "abs-topk",
    "saelens-batchtopk": "batch-topk",
    "saelens-batchtopk-used": "jumprelu",
    "saelens-bfloat16": "relu",
    "saelens-constant_norm": "relu",
    "saelens-gated": "gated",
    "saelens-jumprelu": "jumprelu",
    "saelens-jumprelu_skip_transcoder": "jumprelu",
    "saelens-jumprelu_training": "jumprelu",
    "saelens-jumprelu_training-used": "jumprelu",
    "saelens-jumprelu_transcoder": "jumprelu",
    "saelens-layer_norm": "relu",
    "saelens-matryoshka_batchtopk": "batch-topk",
    "saelens-matryoshka_batchtopk-used": "jumprelu",
    "saelens-skip_transcoder": "relu",
    "saelens-standard": "relu",
    "saelens-topk": "topk",
    "saelens-topk_rescaled": "topk",
    "saelens-topk_training": "topk",
    "saelens-topk_training-used": "topk",
    "saelens-transcoder": "relu",
    "saelens-uncentred": "relu",
    "saelens-version_3": "topk",
    "sparsify-expansion": "topk",
    "sparsify-groupmax": "group-max",
    "sparsify-skip": "topk",
    "sparsify-skip_transcoder": "topk",
    "sparsify-topk": "topk",
    "sparsify-transcoder": "topk",
}


def test_every_kept_file_is_tested():
    assert sorted(KINDS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_codes_and_reconstructions_are_those_of_the_library(name):
    expected = load_file(ROOM / name / "expected.safetensors")
    weights = read(place(name))
    z = weights.encode(expected["x"])
    assert weights.kind == KINDS[name]
    assert weights.about["library"] == LIBRARIES[name.split("-")[0]]
    assert z.dtype == expected["z"].dtype == weights.encoder.dtype
    assert torch.equal(z != 0, expected["z"] != 0)
    assert 0 < (z != 0).float().mean() < 1
    relative, absolute = (2e-2, 2e-2) if z.dtype == torch.bfloat16 else (1e-5, 2e-6)
    torch.testing.assert_close(z, expected["z"], rtol=relative, atol=absolute)
    torch.testing.assert_close(weights.decode(z, expected["x"]), expected["y"], rtol=relative, atol=absolute)


def test_what_lies_beside_the_weights_is_read():
    assert read(place("saelens-standard")).about["model_name"] == "tiny"
    torch.testing.assert_close(read(place("saelens-standard")).sparsity, torch.linspace(-10, 0, 12))
    assert read(place("saelens-version_3")).about["hook_name"] == "blocks.1.hook_resid_pre"
    assert read(place("saelens-version_3")).k == 3
    assert read(place("saelens-batchtopk")).k == 2.5
    assert read(place("sparsify-topk")).about["hook_name"] == "layers.5"
    assert read(place("dictionary_learning-topk")).about["lm_name"] == "tiny"
    assert read(place("dictionary_learning-topk")).about["threshold"] > 0


@pytest.mark.parametrize(
    ("name", "groups"),
    [
        ("saelens-matryoshka_batchtopk", (4, 4, 4)),
        ("saelens-matryoshka_batchtopk-used", (4, 4, 4)),
        ("dictionary_learning-matryoshka", (3, 3, 6)),
        ("saelens-topk", ()),
    ],
)
def test_groups_of_matryoshka_dictionaries_are_read(name, groups):
    assert read(place(name)).groups == groups


@pytest.mark.parametrize(
    ("name", "transcodes", "subtracts", "skips", "target"),
    [
        ("saelens-transcoder", True, False, False, 4),
        ("saelens-jumprelu_skip_transcoder", True, False, True, 4),
        ("saelens-uncentred", False, False, False, 6),
        ("saelens-standard", False, True, False, 6),
        ("sparsify-transcoder", True, False, False, 6),
        ("sparsify-skip", False, True, True, 6),
        ("dictionary_learning-jumprelu", False, False, False, 6),
    ],
)
def test_what_is_rebuilt_of_what_is_read(name, transcodes, subtracts, skips, target):
    weights = read(place(name))
    found = (weights.transcodes, weights.subtracts_bias, weights.skip is not None, weights.target)
    assert found == (transcodes, subtracts, skips, target)
    assert (weights.inputs, weights.latents) == (6, 12)


@pytest.mark.parametrize("file", ["cfg.json", "sae_weights.safetensors"])
def test_a_file_of_a_folder_stands_for_it(file):
    assert torch.equal(read(ROOM / "saelens-topk" / file).encoder, read(ROOM / "saelens-topk").encoder)


def test_a_checkpoint_of_dictionary_learning_finds_its_config_above(tmp_path):
    shutil.copytree(ROOM / "dictionary_learning-topk", tmp_path / "run")
    (tmp_path / "run" / "checkpoints").mkdir()
    (tmp_path / "run" / "ae.pt").rename(tmp_path / "run" / "checkpoints" / "ae_100.pt")
    assert read(tmp_path / "run" / "checkpoints" / "ae_100.pt").k == 3


def test_a_trainer_without_a_class_names_the_class(tmp_path):
    shutil.copytree(ROOM / "dictionary_learning-gated", tmp_path / "run")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    del config["trainer"]["dict_class"]
    (tmp_path / "run" / "config.json").write_text(json.dumps(config))
    assert read(tmp_path / "run").kind == "gated"


def test_a_decoder_that_is_no_longer_of_unit_norm_is_normed_as_load_dictionary_does(tmp_path):
    shutil.copytree(ROOM / "dictionary_learning-standard", tmp_path / "run")
    state = torch.load(tmp_path / "run" / "ae.pt", weights_only=True)
    before = read(tmp_path / "run")
    state["decoder.weight"] *= 3
    torch.save(state, tmp_path / "run" / "ae.pt")
    after, x = read(tmp_path / "run"), torch.randn(4, 6)
    torch.testing.assert_close(after.encode(x), 3 * before.encode(x))


def test_a_checkpoint_of_old_has_the_logarithm_of_its_thresholds(tmp_path):
    from safetensors.torch import save_file

    shutil.copytree(ROOM / "saelens-jumprelu", tmp_path / "sae")
    arrays = load_file(tmp_path / "sae" / "sae_weights.safetensors")
    arrays["log_threshold"] = arrays.pop("threshold").log()
    save_file(arrays, tmp_path / "sae" / "sae_weights.safetensors")
    torch.testing.assert_close(read(tmp_path / "sae").threshold, read(ROOM / "saelens-jumprelu").threshold)


def test_the_folder_of_many_names_one_of_them():
    with pytest.raises(FileError, match=r"give one of the folders in it that are: 'layers\.5'"):
        read(ROOM / "sparsify-topk")


def test_a_folder_of_nothing_says_what_is_read(tmp_path):
    (tmp_path / "notes.txt").write_text("none")
    for path in (tmp_path, tmp_path / "notes.txt"):
        with pytest.raises(FileError, match=r"sae_weights\.safetensors, sae\.safetensors, ae\.pt"):
            read(path)


def test_nothing_there_is_said():
    with pytest.raises(MissingFileError, match="There is no dictionary at"):
        read(ROOM / "nowhere")
