"""Make the files of this folder, each with the library that it is named after; nothing of them is needed to read them.

Run as ``python tests/golden/dictionaries/make.py`` where sae-lens 6.54.12, eai-sparsify 1.3.3 and dictionary_learning
0.1.0 are installed. The two of openai were made by the code of openai/sparse_autoencoder at commit 764586a, which is
no package: ``python tests/golden/dictionaries/make.py path/to/its/model.py`` makes them too.

Each folder holds what the library saved, and ``expected.safetensors``: samples x (B, d), and the codes z (B, n) and
reconstructions y (B, target) that the library itself gave for them after it had read the files again.
"""

import json
import os
import runpy
import shutil
import sys
from itertools import repeat
from pathlib import Path
from types import SimpleNamespace

import torch
from safetensors.torch import save_file

HERE = Path(__file__).parent
D, N, OUT, K = 6, 12, 4, 3


def fresh(name):
    folder = HERE / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def expect(folder, x, z, y):
    tensors = {"x": x, "z": z, "y": y}
    save_file({key: value.detach().contiguous() for key, value in tensors.items()}, folder / "expected.safetensors")


def samples():
    return torch.randn(5, D) + 0.3


def filled(module):
    with torch.no_grad():
        for name, tensor in module.named_parameters():
            tensor.copy_(torch.randn(tensor.shape) * 0.5)
            if name == "threshold":
                tensor.abs_()
    return module


def saelens():
    import sae_lens as lib

    plain = {
        "standard": lib.StandardSAE(lib.StandardSAEConfig(D, N, metadata=lib.saes.sae.SAEMetadata(model_name="tiny"))),
        "layer_norm": lib.StandardSAE(lib.StandardSAEConfig(D, N, normalize_activations="layer_norm")),
        "constant_norm": lib.StandardSAE(lib.StandardSAEConfig(D, N, normalize_activations="constant_norm_rescale")),
        "uncentred": lib.StandardSAE(lib.StandardSAEConfig(D, N, apply_b_dec_to_input=False)),
        "bfloat16": lib.StandardSAE(lib.StandardSAEConfig(D, N, dtype="bfloat16")),
        "topk": lib.TopKSAE(lib.TopKSAEConfig(D, N, k=K)),
        "topk_rescaled": lib.TopKSAE(lib.TopKSAEConfig(D, N, k=K, rescale_acts_by_decoder_norm=True)),
        "abstopk": lib.AbsTopKSAE(lib.AbsTopKSAEConfig(D, N, k=K)),
        "jumprelu": lib.JumpReLUSAE(lib.JumpReLUSAEConfig(D, N)),
        "gated": lib.GatedSAE(lib.GatedSAEConfig(D, N)),
    }
    to = {"apply_b_dec_to_input": False, "d_out": OUT}
    plain |= {
        "transcoder": lib.Transcoder(lib.TranscoderConfig(D, N, **to)),
        "skip_transcoder": lib.SkipTranscoder(lib.SkipTranscoderConfig(D, N, **to)),
        "jumprelu_transcoder": lib.JumpReLUTranscoder(lib.JumpReLUTranscoderConfig(D, N, **to)),
        "jumprelu_skip_transcoder": lib.JumpReLUSkipTranscoder(lib.JumpReLUSkipTranscoderConfig(D, N, **to)),
    }
    for name, model in plain.items():
        folder = fresh(f"saelens-{name}")
        filled(model).save_model(folder)
        if name == "standard":
            save_file({"sparsity": torch.linspace(-10, 0, N)}, folder / "sparsity.safetensors")
        expect(folder, *saelens_given(lib.SAE.load_from_disk(folder)))
    saelens_trained(lib)
    saelens_older(lib)


def saelens_given(model):
    x = samples()
    with torch.no_grad():
        z = model.encode(x)
        return x, z, model(x)


def saelens_trained(lib):
    """Checkpoints within training; what they are to give is what the library gives once they are saved for use."""
    batch = lib.BatchTopKTrainingSAEConfig(D, N, k=2.5, normalize_activations="expected_average_only_in")
    nested = lib.MatryoshkaBatchTopKTrainingSAEConfig(D, N, k=2, matryoshka_widths=[4, 8, N])
    models = {
        "batchtopk": lib.BatchTopKTrainingSAE(batch),
        "matryoshka_batchtopk": lib.MatryoshkaBatchTopKTrainingSAE(nested),
        "topk_training": lib.TopKTrainingSAE(lib.TopKTrainingSAEConfig(D, N, k=K)),
        "jumprelu_training": lib.JumpReLUTrainingSAE(lib.JumpReLUTrainingSAEConfig(D, N)),
    }
    for name, model in models.items():
        folder, used = fresh(f"saelens-{name}"), fresh(f"saelens-{name}-used")
        if "batchtopk" in name:
            model.topk_threshold = torch.tensor(0.4, dtype=torch.double)
        filled(model).save_model(folder)
        if name == "batchtopk":
            scaler = lib.training.activation_scaler.ActivationScaler(scaling_factor=0.75)
            scaler.save(str(folder / "activation_scaler.json"))
            model.fold_activation_norm_scaling_factor(0.75)
        model.save_inference_model(used)
        given = saelens_given(lib.SAE.load_from_disk(used))
        expect(folder, *given)
        expect(used, *given)


def saelens_older(lib):
    """Write a config of version 3, which the library still reads, and weights of that time."""
    folder = fresh("saelens-version_3")
    model = filled(lib.StandardSAE(lib.StandardSAEConfig(D, N)))
    save_file(dict(model.state_dict()) | {"scaling_factor": torch.ones(N)}, folder / "sae_weights.safetensors")
    config = {"d_in": D, "d_sae": N, "dtype": "torch.float32", "device": "cpu", "hook_point": "blocks.1.hook_resid_pre"}
    config |= {"model_name": "tiny", "activation_fn_str": "topk", "activation_fn_kwargs": {"k": K}}
    config |= {"normalize_activations": False, "prepend_bos": True}
    (folder / "cfg.json").write_text(json.dumps(config))
    expect(folder, *saelens_given(lib.SAE.load_from_disk(folder)))


def sparsify():
    os.environ["SPARSIFY_DISABLE_TRITON"] = "1"  # its decoder for graphics cards
    from sparsify import SparseCoder, SparseCoderConfig

    kinds = {
        "topk": SparseCoderConfig(num_latents=N, k=K),
        "expansion": SparseCoderConfig(expansion_factor=2, k=K, multi_topk=True),
        "groupmax": SparseCoderConfig(num_latents=N, k=K, activation="groupmax"),
        "skip": SparseCoderConfig(num_latents=N, k=K, skip_connection=True),
        "transcoder": SparseCoderConfig(num_latents=N, k=K, transcode=True),
        "skip_transcoder": SparseCoderConfig(num_latents=N, k=K, transcode=True, skip_connection=True),
    }
    for name, config in kinds.items():
        folder = fresh(f"sparsify-{name}") / "layers.5"
        filled(SparseCoder(D, config)).save_to_disk(folder)
        model, x = SparseCoder.load_from_disk(folder), samples()
        model.cfg.multi_topk = False  # with it, forward gives the reconstruction of 4k latents, for the loss
        with torch.no_grad():
            top = model.encode(x)
            z = torch.zeros(len(x), N).scatter_(1, top.top_indices, top.top_acts)
            expect(folder.parent, x, z, model(x).sae_out)


def dictionary_learning():
    from dictionary_learning import trainers as lib
    from dictionary_learning.trainers.matryoshka_batch_top_k import MatryoshkaBatchTopKTrainer
    from dictionary_learning.trainers.standard import StandardTrainerAprilUpdate
    from dictionary_learning.training import trainSAE
    from dictionary_learning.utils import load_dictionary

    size = {
        "activation_dim": D,
        "dict_size": N,
        "layer": 1,
        "lm_name": "tiny",
        "steps": 60,
        "device": "cpu",
        "lr": 1e-2,
    }
    quick = size | {"warmup_steps": 2}
    settled = quick | {"threshold_start_step": 5}
    every = {
        "standard": quick | {"trainer": lib.StandardTrainer, "sparsity_warmup_steps": 2},
        "april": quick | {"trainer": StandardTrainerAprilUpdate, "sparsity_warmup_steps": 2},
        "gated": quick | {"trainer": lib.GatedSAETrainer, "sparsity_warmup_steps": 2},
        "topk": settled | {"trainer": lib.TopKTrainer, "k": K},
        "batchtopk": settled | {"trainer": lib.BatchTopKTrainer, "k": K},
        "matryoshka": settled | {"trainer": MatryoshkaBatchTopKTrainer, "k": K, "group_fractions": [0.25, 0.25, 0.5]},
        "jumprelu": quick | {"trainer": lib.JumpReluTrainer, "sparsity_warmup_steps": 2},
    }
    for name, config in every.items():
        folder = fresh(f"dictionary_learning-{name}")
        data = (3 * torch.randn(32, D) + 0.3 for _ in repeat(None))
        whole = {"steps": 60, "save_dir": str(folder), "use_wandb": False, "normalize_activations": True}
        trainSAE(data, trainer_configs=[config], **whole)
        for file in (folder / "trainer_0").iterdir():
            file.rename(folder / file.name)
        (folder / "trainer_0").rmdir()
        model, x = load_dictionary(str(folder), "cpu")[0], 3 * samples()
        with torch.no_grad():
            z = model.encode(x)
            expect(folder, x, z, model.decode(z))


def openai(path):
    lib = SimpleNamespace(**runpy.run_path(path))
    for name, activation in {"relu": torch.nn.ReLU(), "topk": lib.TopK(K)}.items():
        folder = fresh(f"openai-{name}")
        model = filled(lib.Autoencoder(N, D, activation, normalize=name == "topk"))
        torch.save(model.state_dict(), folder / "5.pt")
        state = torch.load(folder / "5.pt")
        for key in ("activation.k", "activation.postact_fn"):
            state.pop(key, None)  # which its loader does not expect of its own files
        model = lib.Autoencoder.from_state_dict(state)
        x = samples()
        with torch.no_grad():
            z, info = model.encode(x)
            expect(folder, x, z, model.decode(z, info))


if __name__ == "__main__":
    torch.manual_seed(0)
    torch.set_num_threads(1)
    saelens()
    sparsify()
    dictionary_learning()
    if sys.argv[1:]:
        openai(sys.argv[1])
