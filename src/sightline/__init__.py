"""Sightline: see whether a model is learning, while it trains."""
