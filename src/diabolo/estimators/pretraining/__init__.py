"""Pretraining: features from unlabelled samples, and classifiers and regressors from few labels."""
