"""Detecting faces."""
