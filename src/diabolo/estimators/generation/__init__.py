"""Generation: new samples, and how probable given ones are."""
