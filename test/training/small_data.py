"""Small data sets that tests make for themselves."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from rtcnn_perception.core.labels import EMOTION_LABELS

FERPLUS = [
    'neutral',
    'happiness',
    'surprise',
    'sadness',
    'anger',
    'disgust',
    'fear',
    'contempt',
    'unknown',
    'NF',
]


def pictures(count, seed=0, side=48):
    """Return distinct noisy gray pictures."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (side, side)).astype(np.uint8) for _ in range(count)]


def pack(images, suffix='.png'):
    """Return blob and offsets as the packed files have them."""
    encoded = [cv2.imencode(suffix, image)[1].ravel() for image in images]
    offsets = np.cumsum([0, *(len(part) for part in encoded)]).astype(np.int64)
    return np.concatenate(encoded), offsets


def write_emotion_npz(path: Path, images, labels, training, /, **changes):
    """Write a file like FER-2013's; the first ``training`` pictures are Training."""
    blob, offsets = pack(images)
    count = len(images)
    arrays = {
        'png': blob,
        'offset': offsets,
        'labels': np.asarray(labels, np.uint8),
        'class_names': np.array(EMOTION_LABELS),
        'split': np.array([0] * training + [1] * (count - training), np.uint8),
        'split_names': np.array(['Training', 'PublicTest', 'PrivateTest']),
        'ferplus_votes': np.full((count, 10), -1, np.int8),
        **changes,
    }
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return path


def write_gender_npz(path: Path, images, labels, splits, /, **changes):
    """Write a file like the gender faces'; boxes lie a little inside."""
    blob, offsets = pack(images)
    count, side = len(images), images[0].shape[0]
    arrays = {
        'jpeg': blob,
        'offset': offsets,
        'labels': np.asarray(labels, np.uint8),
        'split': np.asarray(splits, np.uint8),
        'split_names': np.array(['train', 'val', 'test']),
        'source': np.zeros(count, np.uint8),
        'box': np.tile(np.float32([side * 0.2, side * 0.1, side * 0.8, side * 0.9]), (count, 1)),
        'age': np.full(count, -1, np.int16),
        'race': np.full(count, -1, np.int8),
        **changes,
    }
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return path
