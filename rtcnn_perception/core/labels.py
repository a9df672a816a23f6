"""Names and order of the classes, once for training, models and messages."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

EMOTION_LABELS: tuple[str, ...] = (
    'angry',
    'disgust',
    'fear',
    'happy',
    'sad',
    'surprise',
    'neutral',
)
"""The seven classes in the order of FER-2013."""

GENDER_LABELS: tuple[str, ...] = ('woman', 'man')
"""The two classes as this project's gender data has them; what a network guesses, no fact."""

LABELS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {'emotion': EMOTION_LABELS, 'gender': GENDER_LABELS}
)
"""The classes of each attribute."""

ATTRIBUTES: tuple[str, ...] = tuple(LABELS)
"""What is judged for each face, in the order in which it is reported."""
