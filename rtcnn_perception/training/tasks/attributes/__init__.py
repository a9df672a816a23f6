"""Classifying attributes of faces."""
