"""Write the golden model of the present file format: ``python -m tests.golden_model``, once for each format number."""

from pathlib import Path

import numpy as np
from tests.worlds import iris

from diabolo import Recipe, Reducer, Training
from diabolo.files import FORMAT
from diabolo.latents import Gaussian
from diabolo.nets import MLP

HERE = Path(__file__).parent / "golden"


def main() -> None:
    """Fit, save, and keep what the model predicts in float64."""
    X = iris()
    recipe = Recipe(net=MLP(hidden=(8,)), latent=Gaussian(beta=0.5))
    reducer = Reducer(2, recipe=recipe, training=Training(epochs=20), random_state=0).fit(X)
    path = HERE / f"reducer_format_{FORMAT}.zip"
    if path.exists():
        raise SystemExit(f"{path.name} is there already: a golden file is kept for ever; raise FORMAT for a new one")
    reducer.save(path)
    np.savez_compressed(path.with_suffix(".npz"), X=X, codes=reducer.transform(X), rebuilt=reducer.reconstruct(X))


if __name__ == "__main__":
    main()
