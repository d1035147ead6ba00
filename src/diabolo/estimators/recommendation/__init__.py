"""Recommendation: which items go to whom, and why."""
