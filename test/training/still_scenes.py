"""A configuration of scenes of which no pixel is changed."""

from __future__ import annotations

STILL = {
    'rotation': 0.0,
    'stretch': 0.0,
    'light': 0.0,
    'gamma': 0.0,
    'colour': 0.0,
    'gray_share': 0.0,
    'blur_share': 0.0,
    'noise_share': 0.0,
    'jpeg_share': 0.0,
    'covered_share': 0.0,
    'drawn_share': 0.0,
    'dark_share': 0.0,
}
