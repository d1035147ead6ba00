"""Imputation: missing cells of tables filled, drawn, and how certain they are."""
