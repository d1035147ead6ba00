"""Denoising: what was added to images, series and tables taken away."""
