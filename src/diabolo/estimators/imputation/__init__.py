"""Imputation: missing cells of tables, series and images filled, drawn, and how certain they are."""
