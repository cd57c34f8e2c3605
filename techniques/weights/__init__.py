"""Trained networks: which there are, where their files lie, and how they are fetched and read."""

from techniques.weights.registry import Entry, InputConvention, entry_named, registry
from techniques.weights.store import Weights, obtain

__all__ = ["Entry", "InputConvention", "Weights", "entry_named", "obtain", "registry"]
