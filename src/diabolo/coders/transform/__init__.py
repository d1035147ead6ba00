"""Images at a rate: the rounded code of an autoencoder, through nets that know the numbers before each."""

from diabolo.coders.transform.transform import Transform

__all__ = ["Transform"]
