"""Anomaly detection: how unusual a sample is, why, and where the line is drawn."""
