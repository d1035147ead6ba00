"""Files that no library wrote, or not like this: an error of one kind, or a sound dictionary, and nothing else."""

import json
import pickle
import shutil
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file
from tests.exchange.golden import NAMES, ROOM, place

from diabolo.errors import FileError
from diabolo.exchange import Weights, read

SOME = ["saelens-batchtopk", "saelens-gated", "saelens-version_3", "sparsify-skip_transcoder"]
STATES = ["dictionary_learning-matryoshka", "dictionary_learning-topk", "dictionary_learning-gated", "openai-topk"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def sound_or_refused(path: Path) -> None:
    try:
        weights = read(path)
    except FileError as error:
        assert "\n" not in str(error) and len(str(error)) < 2000
        return
    assert isinstance(weights, Weights)
    z = weights.encode(torch.zeros(2, weights.inputs))
    assert z.shape == (2, weights.latents)
    assert weights.decode(z, torch.zeros(2, weights.inputs)).shape == (2, weights.target)


@pytest.fixture
def room(tmp_path) -> Path:
    return tmp_path


def copied(name: str, room: Path) -> Path:
    if not (room / name).exists():
        shutil.copytree(ROOM / name, room / name)
    return place(name, room)


def config_of(path: Path) -> Path:
    folder = path if path.is_dir() else path.parent
    return next(folder / name for name in ("cfg.json", "config.json") if (folder / name).is_file())


def files_of(path: Path) -> list[Path]:
    folder = path if path.is_dir() else path.parent
    return sorted(file for file in folder.iterdir() if file.name != "expected.safetensors")


@given(data=st.data())
@quick
def test_bytes_that_are_flipped_cut_or_put_in(data, room):
    path = copied(data.draw(st.sampled_from(SOME + STATES)), room)
    file = data.draw(st.sampled_from(files_of(path)))
    before = file.read_bytes()
    at, piece = int(data.draw(st.floats(0, 1)) * len(before)), data.draw(st.binary(min_size=1, max_size=9))
    after = {
        "flip": before[:at]
        + bytes(a ^ b for a, b in zip(before[at:], piece, strict=False))
        + before[at + len(piece) :],
        "cut": before[:at] + before[at + len(piece) :],
        "put": before[:at] + piece + before[at:],
        "end": before[:at],
    }
    try:
        file.write_bytes(data.draw(st.sampled_from(sorted(after.items())))[1])
        sound_or_refused(path)
    finally:
        file.write_bytes(before)


@given(data=st.data())
@quick
def test_values_of_a_config_that_are_anything(data, room):
    path = copied(data.draw(st.sampled_from([*SOME, *STATES[:3]])), room)
    file = config_of(path)
    before = file.read_text()
    values = json.loads(before)
    inner = values.get("trainer", values)
    name = data.draw(st.sampled_from(sorted(inner)))
    inner[name] = data.draw(JSON)
    try:
        file.write_text(json.dumps(values))
        sound_or_refused(path)
    finally:
        file.write_text(before)


@given(data=st.data())
@quick
def test_tensors_that_are_any(data, room):
    path = copied(data.draw(st.sampled_from([*SOME, *STATES])), room)
    file = next(file for file in files_of(path) if file.suffix in (".safetensors", ".pt"))
    before = file.read_bytes()
    state = torch.load(file, weights_only=True) if file.suffix == ".pt" else load_file(file)
    name = data.draw(st.sampled_from(sorted(state)))
    shape = data.draw(st.lists(st.integers(0, 13), max_size=3))
    dtypes = [torch.float32, torch.bfloat16, torch.float64, torch.int64, torch.bool, torch.complex64, torch.uint8]
    tensor = torch.full(shape, data.draw(st.sampled_from([0.0, 1.0, torch.inf])) or 0).nan_to_num(posinf=7)
    state[name] = tensor.to(data.draw(st.sampled_from(dtypes)))
    if data.draw(st.booleans()):
        del state[name]
    try:
        torch.save(state, file) if file.suffix == ".pt" else save_file(state, file)
        sound_or_refused(path)
    finally:
        file.write_bytes(before)


@pytest.mark.parametrize("name", NAMES)
def test_every_missing_file_is_told(name, room):
    path = copied(name, room)
    for file in files_of(path):
        if file.name in ("sparsity.safetensors", "activation_scaler.json"):
            continue
        before = file.read_bytes()
        file.unlink()
        with pytest.raises(FileError):
            read(path)
        file.write_bytes(before)


class Trap:
    def __reduce__(self):
        return exec, ("raise SystemExit('executed')",)


def pickled(file: Path, state: object) -> None:
    torch.save(state, file)


def rewritten(file: Path, change) -> None:
    with zipfile.ZipFile(file) as archive:
        entries = [(entry.filename, archive.read(entry)) for entry in archive.infolist()]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, data in entries:
            archive.writestr(name, change(name, data))


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ({"encoder.weight": Trap()}, "exec"),
        (Trap(), "exec"),
        (torch.nn.Linear(6, 12), "names"),
        ([torch.zeros(2)], "no dict of tensors"),
        ({1: torch.zeros(2)}, "no dict of tensors"),
        ({"encoder.weight": torch.zeros(1).expand(2**20, 2**20)}, "more numbers than are in the file"),
        ({"encoder.weight": torch.eye(3).to_sparse()}, "names"),
        ({"encoder.weight": torch.zeros(2, dtype=torch.complex64)}, "names|no dense tensor"),
        ({"encoder.weight": torch.empty(2**20, 2**20, device="meta")}, "names"),
        ({"encoder.weight": bytearray(9)}, "names"),
        ({"encoder.weight": [1, [2, [3]]]}, "no dense tensor"),
        ({"encoder.weight": 2**70}, "no dense tensor"),
        ({"encoder.weight": 10**5000}, "no plain tensors"),
        ({"a": {"b": {"c": 1}}}, "no dense tensor"),
    ],
)
def test_a_state_of_anything_but_tensors_is_refused(state, words, room):
    file = copied("dictionary_learning-topk", room) / "ae.pt"
    pickled(file, state)
    with pytest.raises(FileError, match=words):
        read(file)


def test_what_looks_small_and_swells_is_refused(room):
    file = copied("dictionary_learning-topk", room) / "ae.pt"
    with zipfile.ZipFile(file) as archive:
        entries = [(entry.filename, archive.read(entry)) for entry in archive.infolist()]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    with pytest.raises(FileError, match="compressed"):
        read(file)


def test_a_pickle_that_names_a_maker_of_large_things_is_refused(room):
    file = copied("dictionary_learning-topk", room) / "ae.pt"
    rewritten(file, lambda name, data: pickle.dumps(bytearray, 2) if name.endswith("data.pkl") else data)
    with pytest.raises(FileError, match="bytearray"):
        read(file)


def test_a_pickle_without_a_zip_is_refused(room):
    file = copied("dictionary_learning-topk", room) / "ae.pt"
    file.write_bytes(pickle.dumps({"encoder.weight": Trap()}))
    with pytest.raises(FileError, match="holds no plain tensors"):
        read(file)


def test_an_endless_fold_of_references_is_refused_at_once(room):
    value: list = [1]
    for _ in range(200):
        value = [value, value]
    file = copied("dictionary_learning-topk", room) / "ae.pt"
    pickled(file, {"k": value})
    with pytest.raises(FileError, match="no dense tensor"):
        read(file)


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("saelens-topk", {"architecture": "temporal"}, "'architecture' as 'standard' or"),
        ("saelens-topk", {"k": 13}, r"'k' of Weights must be an integer in \[1, 12\]"),
        ("saelens-topk", {"k": float("inf")}, "'k' as an integer >= 1; got 'Infinity'"),
        ("saelens-topk", {"d_in": 7}, "gives 'd_in' as 7, but the weights beside it have 6"),
        ("saelens-topk", {"architecture": "gated"}, "lacks 'b_gate', 'b_mag', 'r_mag' and has beyond 'b_enc'"),
        ("saelens-topk", {"normalize_activations": "covariance_whitening"}, "'normalize_activations'"),
        ("saelens-topk", {"dtype": "int8"}, "'dtype'"),
        ("saelens-transcoder", {"normalize_activations": "layer_norm"}, "which is not read"),
        ("saelens-matryoshka_batchtopk", {"matryoshka_widths": [4, 4, 12]}, "sound|groups|Groups"),
        ("saelens-matryoshka_batchtopk", {"matryoshka_widths": [4.5]}, "list of widths"),
        ("sparsify-topk", {"signed": True}, "no longer has"),
        ("sparsify-topk", {"skip_connection": True}, "lacks 'W_skip'"),
        ("sparsify-topk", {"num_latents": 11}, "says 11 latents, but the weights beside it have 12"),
        ("sparsify-expansion", {"expansion_factor": 3}, "says 18 latents"),
        ("sparsify-topk", {"k": None}, "'k' as an integer .*; got None"),
        ("saelens-topk", {"k": None}, "'k' as an integer >= 1; got None"),
        ("saelens-version_3", {"activation_fn_str": "tanh-relu"}, "'activation_fn' as 'relu' or 'topk'"),
        ("sparsify-groupmax", {"k": 5}, "must be k groups"),
    ],
)
def test_a_config_that_does_not_fit_is_told(name, change, words, room):
    path = copied(name, room)
    config_of(path).write_text(json.dumps(json.loads(config_of(path).read_text()) | change))
    with pytest.raises(FileError, match=words):
        read(path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"k": 4}, "gives k as 4, but ae.pt has 3"),
        ({"dict_class": "CrossCoder"}, "'dict_class' as 'AutoEncoder' or"),
        ({"dict_class": "GatedAutoEncoder"}, "must hold encoder.weight, decoder.weight"),
        ({"dict_class": None, "trainer_class": "Other"}, "'dict_class'"),
    ],
)
def test_a_trainer_that_does_not_fit_is_told(change, words, room):
    file = copied("dictionary_learning-topk", room) / "config.json"
    config = json.loads(file.read_text())
    config["trainer"] |= change
    file.write_text(json.dumps(config))
    with pytest.raises(FileError, match=words):
        read(file.parent)


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, "9" * 10_000, '{"k": ' + "9" * 10_000 + "}", "\xff"])
def test_a_config_that_is_no_json_object_is_told(text, room):
    file = copied("saelens-topk", room) / "cfg.json"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(FileError, match="JSON"):
        read(file)


def test_weights_that_are_not_finite_are_refused(room):
    file = copied("saelens-standard", room) / "sae_weights.safetensors"
    arrays = load_file(file)
    arrays["W_dec"][0, 0] = torch.nan
    save_file(arrays, file)
    with pytest.raises(FileError, match=r"holds no sound dictionary: Tensor 'decoder' .* finite"):
        read(file)


def test_a_factor_of_finetuning_that_is_not_one_is_refused(room):
    file = copied("saelens-version_3", room) / "sae_weights.safetensors"
    save_file(load_file(file) | {"scaling_factor": torch.full((12,), 2.0)}, file)
    with pytest.raises(FileError, match="'scaling_factor'"):
        read(file)


def test_a_whitened_checkpoint_is_refused(room):
    file = copied("saelens-batchtopk", room) / "activation_scaler.json"
    file.write_text(json.dumps({"scaling_factor": None, "has_whitening": True}))
    with pytest.raises(FileError, match="whitened"):
        read(file.parent)


def test_another_activation_of_openai_is_refused(room):
    file = copied("openai-topk", room)
    state = torch.load(file, weights_only=True)
    torch.save(state | {"activation_state_dict": {"k": 3, "postact_fn": "Identity"}}, file)
    with pytest.raises(FileError, match="'postact_fn' as 'ReLU'; got 'Identity'"):
        read(file)
    torch.save(state | {"activation_state_dict": {"k": 13, "postact_fn": "ReLU"}}, file)
    with pytest.raises(FileError, match="'k' as an integer"):
        read(file)
