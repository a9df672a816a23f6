# Copyright 2026 The rtcnn_perception authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""Small data sets that tests make for themselves."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from rtcnn_perception.training.data.readers.fer import FER_CLASSES
from rtcnn_perception.training.data.readers.fer import FERPLUS_COLUMNS
from rtcnn_perception.training.data.readers.fer import USAGES

GENDERS = ('woman', 'man')


def pictures(count, seed=0, side=48):
    """Return distinct noisy gray pictures."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (side, side)).astype(np.uint8) for _ in range(count)]


def pack(images, suffix='.png'):
    """Return blob and offsets as the packed files have them."""
    encoded = [cv2.imencode(suffix, image)[1].ravel() for image in images]
    offsets = np.cumsum([0, *(len(part) for part in encoded)]).astype(np.int64)
    return np.concatenate(encoded), offsets


def save(path: Path, arrays):
    """Write a file of arrays, without those that are None."""
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return path


def write_fer_npz(path: Path, images, labels, training, /, **changes):
    """Write a file like FER-2013's; the first ``training`` pictures are Training."""
    blob, offsets = pack(images)
    count = len(images)
    arrays = {
        'png': blob,
        'offset': offsets,
        'labels': np.asarray(labels, np.uint8),
        'class_names': np.array(FER_CLASSES),
        'split': np.array([0] * training + [1] * (count - training), np.uint8),
        'split_names': np.array(USAGES),
        'ferplus_votes': np.full((count, 10), -1, np.int8),
        **changes,
    }
    return save(path, arrays)


def write_packed_npz(path: Path, images, labels, splits, /, *, classes=GENDERS, **changes):
    """Write a file of faces with boxes, which lie a little inside; its labels have names."""
    blob, offsets = pack(images)
    count, side = len(images), images[0].shape[0]
    arrays = {
        'jpeg': blob,
        'offset': offsets,
        'labels': None if labels is None else np.asarray(labels, np.int16),
        'label_names': np.array(classes),
        'split': np.asarray(splits, np.uint8),
        'split_names': np.array(['train', 'val', 'test']),
        'box': np.tile(np.float32([side * 0.2, side * 0.1, side * 0.8, side * 0.9]), (count, 1)),
        **changes,
    }
    return save(path, arrays)


def write_csv(path: Path, rows, header='emotion,pixels,Usage'):
    """Write a file of rows below a header."""
    path.write_text('\n'.join([header, *rows]) + '\n')
    return path


def csv_row(picture, label=3, usage='Training'):
    """Return a row of ``fer2013.csv``."""
    return f'{label},{" ".join(map(str, picture.ravel()))},{usage}'


def write_fer_csv(path: Path, count=22, training=20):
    """Write ``fer2013.csv``, all faces happy."""
    usages = ['Training'] * training + ['PublicTest'] * (count - training)
    rows = [csv_row(p, usage=u) for p, u in zip(pictures(count), usages, strict=True)]
    return write_csv(path, rows)


def write_votes_csv(path: Path, count=22):
    """Write FER+'s votes: all for neutral."""
    return write_csv(path, ['10' + ',0' * 9] * count, ','.join(FERPLUS_COLUMNS))


def write_pictures(folder: Path, names):
    """Write distinct pictures below a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, name in enumerate(names):
        seed = sum(map(ord, folder.parent.name + folder.name)) * 1000 + index
        cv2.imwrite(str(folder / name), pictures(1, seed)[0])
