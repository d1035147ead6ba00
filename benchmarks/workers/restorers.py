"""Restorers that learn nothing: BM3D of the package bm3d, the others of scikit-image, whose measures judge all."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Any

import bm3d
import numpy as np
import pywt
from numpy.typing import NDArray
from scipy.signal import savgol_filter
from skimage import metrics, restoration

from benchmarks.workers.protocol import Settings, Task, serve

Array = NDArray[np.float64]

METHODS: dict[str, Callable[[Array, float], Any]] = {
    "BM3D": lambda y, sigma: bm3d.bm3d(y, sigma),
    "non-local means": lambda y, sigma: restoration.denoise_nl_means(
        y, patch_size=5, patch_distance=6, h=0.8 * sigma, sigma=sigma, fast_mode=True
    ),
    "total variation": lambda y, sigma: restoration.denoise_tv_chambolle(y, weight=1.3 * sigma),
    "wavelet, db4": lambda y, sigma: restoration.denoise_wavelet(
        y, sigma=sigma, wavelet="db4", method="BayesShrink", rescale_sigma=True
    ),
}
"""Of an image (H, W) in [0, 1] and the level of its noise, which they are told."""


def images(settings: Settings) -> Task:
    """Restore the images of a file by one method, and keep the results beside it: seconds an image."""
    method = METHODS[settings["method"]]
    method(np.random.default_rng(0).random((64, 64)), 0.1)

    def block(asked: Settings) -> Settings:
        noisy, clean = np.load(asked["noisy"]), {}
        started = process_time()
        for name in noisy.files:
            clean[name] = np.asarray(method(noisy[name].astype(np.float64), asked["sigma"]))
        seconds = process_time() - started
        np.savez(asked["into"], **clean)
        return {"seconds": seconds / len(clean)}

    return Task(block)


def judge(settings: Settings) -> Task:
    """Compare the images of two files: PSNR in dB and SSIM in Gaussian windows, averaged over images."""

    def block(asked: Settings) -> Settings:
        truth, found = np.load(asked["truth"]), np.load(asked["found"])
        pairs = [(truth[name].astype(np.float64), found[name].astype(np.float64)) for name in truth.files]
        psnr = [metrics.peak_signal_noise_ratio(a, b, data_range=1.0) for a, b in pairs]
        ssim = [
            metrics.structural_similarity(
                a, b, data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
            )
            for a, b in pairs
        ]
        return {"psnr": float(np.mean(psnr)), "ssim": float(np.mean(ssim)), "each": [float(p) for p in psnr]}

    return Task(block)


def smoothed(y: Array, window: int, order: int) -> Array:
    """Return series (N, T) smoothed by Savitzky and Golay's polynomials."""
    return np.asarray(savgol_filter(y, window, order, axis=1, mode="interp"))


def shrunk(y: Array, wavelet: str, levels: int, factor: float) -> Array:
    """Return series (N, T) with their wavelet coefficients shrunk, by the level of noise in the finest ones."""
    coarse, *details = pywt.wavedec(y, wavelet, mode="symmetric", level=levels, axis=1)
    noise = np.median(np.abs(details[-1]), axis=1, keepdims=True) / 0.6745
    limit = factor * noise * np.sqrt(2 * np.log(y.shape[1]))
    soft = [np.sign(d) * np.maximum(np.abs(d) - limit, 0) for d in details]
    return np.asarray(pywt.waverec([coarse, *soft], wavelet, mode="symmetric", axis=1))[:, : y.shape[1]]


SMOOTHERS: dict[str, list[tuple[Callable[..., Array], tuple[Any, ...]]]] = {
    "Savitzky–Golay": [(smoothed, (w, o)) for w in (5, 7, 9, 11, 15, 19, 25, 31) for o in (2, 3, 4)],
    "wavelet": [
        (shrunk, (name, levels, factor))
        for name in ("db4", "db6", "sym4", "sym8", "coif3")
        for levels in (2, 3, 4)
        for factor in (0.3, 0.5, 0.7, 1.0)
    ],
}
"""Each with its settings, of which the best on training series are taken."""


def series(settings: Settings) -> Task:
    """Smooth series (N, T) of a file by one method, its settings chosen on training series, whose truth is known."""
    choices = SMOOTHERS[settings["method"]]

    def block(asked: Settings) -> Settings:
        data = np.load(asked["noisy"])
        errors = [np.square(call(data["noisy_train"], *knobs) - data["train"]).mean() for call, knobs in choices]
        call, knobs = choices[int(np.argmin(errors))]
        started = process_time()
        np.savez(asked["into"], found=call(data["noisy_test"], *knobs))
        return {"seconds": process_time() - started, "chosen": str(knobs)}

    return Task(block)


if __name__ == "__main__":
    serve({"images": images, "judge": judge, "series": series})
