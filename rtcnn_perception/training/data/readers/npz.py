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

"""Packed data sets: pictures in one run of bytes, labels and facts beside it."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
import contextlib
from pathlib import Path
from tokenize import TokenError
import zipfile
import zlib

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageGray
from rtcnn_perception.files import check_file
from rtcnn_perception.training.data.boxes import check_box
from rtcnn_perception.training.data.boxes import check_landmarks
from rtcnn_perception.training.data.boxes import check_pixels
from rtcnn_perception.training.data.classes import UNLABELLED
from rtcnn_perception.training.data.faces import boxes_of_crops
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import DividedFaces
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import Fact
from rtcnn_perception.training.data.faces import Indices
from rtcnn_perception.training.data.faces import Labels
from rtcnn_perception.training.data.faces import PARTS
from rtcnn_perception.training.data.faces import ReadOptions
from rtcnn_perception.training.data.pictures import decode_picture
from rtcnn_perception.training.data.pictures import GRAY

Arrays = dict[str, NDArray[np.generic]]

BLOBS = ('png', 'jpeg')
"""Keys of the run of bytes; both may hold either."""

CLASS_NAMES = ('class_names', 'label_names')
"""Keys of the names of the classes, either of which a file may use."""

FRACTIONAL = ('box', 'landmarks')
"""Arrays of numbers that need not be whole."""

PER_FACE: Mapping[str, tuple[int, ...]] = {
    'labels': (),
    'split': (),
    'ferplus_votes': (10,),
    'box': (4,),
    'landmarks': (5, 2),
}
"""Arrays with an entry for each face, and the shape of an entry."""

UTKFACE_RACES = ('white', 'black', 'Asian', 'Indian', 'other')
"""The words of UTKFace's file names, in the order of its numbers; what annotators wrote down."""

KNOWN_NAMES: Mapping[str, tuple[str, ...]] = {'race': UTKFACE_RACES}
"""Names of facts of which the files give numbers alone."""

DAMAGE = (
    ValueError,
    OSError,
    EOFError,
    RuntimeError,
    MemoryError,
    TokenError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What NumPy, zipfile and zlib raise for a damaged file."""


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Mapping[str, NDArray[np.generic]]]:
    """
    Open a file whose arrays are loaded when they are read; nothing is unpickled.

    :raises DataError: if the file is missing or is no .npz, or an array is damaged
    """
    try:
        check_file(path)
        with path.open('rb') as file:
            if not zipfile.is_zipfile(file):
                raise DataError(f'{path} is no readable .npz file: cut off, or of another kind')
            file.seek(0)
            with np.load(file, allow_pickle=False) as arrays:
                yield arrays
    except FileNotFoundError:
        raise DataError(f'there is no data file {path}') from None
    except DAMAGE as error:
        raise DataError(f'{path} is no readable .npz file: {error}') from error


def _array(arrays: Mapping[str, NDArray[np.generic]], key: str, path: Path) -> NDArray[np.generic]:
    """Return an array of an open file; NumPy returns bytes where a member is none."""
    array = arrays[key]
    if not isinstance(array, np.ndarray):
        raise DataError(f'{path}: {key} is no array, but other data')
    return array


def part_names(path: Path) -> tuple[str, ...]:
    """Return what a file calls its parts; errors as of :func:`opened`."""
    with opened(path) as arrays:
        if 'split_names' not in arrays:
            return ()
        return tuple(map(str, _array(arrays, 'split_names', path).flat))


def has_labels_alone(path: Path) -> bool:
    """Return whether it is a file with labels for rows of another; errors as of :func:`opened`."""
    if path.suffix != '.npz':
        return False
    with opened(path) as arrays:
        return set(BLOBS).isdisjoint(arrays) and bool(_row_keys(arrays))


def load_arrays(path: Path, required: tuple[str, ...]) -> Arrays:
    """
    Load every array of a file and check that they fit each other.

    :raises DataError: if the file is damaged, or naming the array, what was expected and what came
    """
    with opened(path) as file:
        arrays = {key: _array(file, key, path) for key in file}
    missing = [key for key in required if key not in arrays]
    if missing:
        raise DataError(f'{path} lacks {", ".join(missing)}; it has {", ".join(sorted(arrays))}')
    count = arrays[required[0]].size
    if 'offset' in arrays:
        count -= 1
        _check_shape(path, arrays, 'offset', (count + 1,), count)
    for key, shape in PER_FACE.items():
        if key in arrays:
            _check_shape(path, arrays, key, (count, *shape), count)
    return arrays


def _check_shape(path: Path, arrays: Arrays, key: str, shape: tuple[int, ...], count: int) -> None:
    found, kinds = arrays[key], 'iuf' if key in FRACTIONAL else 'iu'
    if found.shape != shape or found.dtype.kind not in kinds:
        numbers = 'numbers' if key in FRACTIONAL else 'whole numbers'
        raise DataError(
            f'{path}: {key} must be {numbers} of the shape {shape} for {count} faces, '
            f'got {found.dtype} of the shape {found.shape}'
        )


def decode_pictures(arrays: Arrays, path: Path) -> list[ImageGray]:
    """
    Decode every picture to gray.

    :raises DataError: if there are none, or naming the first that is damaged
    """
    blob = next((arrays[key] for key in BLOBS if key in arrays), None)
    if blob is None or blob.ndim != 1 or blob.dtype != np.uint8:
        raise DataError(f'{path} lacks pictures: expected {" or ".join(BLOBS)}, (bytes,) uint8')
    offsets = arrays['offset'].astype(np.int64)
    if offsets[0] < 0 or (np.diff(offsets) < 0).any() or offsets[-1] > blob.size:
        raise DataError(
            f'{path}: offset must rise from 0 to the {blob.size} bytes of the pictures, '
            f'got {offsets.min()} to {offsets.max()}'
        )
    ends = zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    return [
        decode_picture(blob[first:last].tobytes(), GRAY, f'picture {index} of {path}')
        for index, (first, last) in enumerate(ends)
    ]


def parts_of(arrays: Arrays, path: Path, known: tuple[str, ...]) -> NDArray[np.str_]:
    """
    Return the name of each face's part (N,).

    :raises DataError: if a part is none of those known, or a face of none
    """
    names = tuple(map(str, arrays['split_names'].flat))
    unknown = [name for name in names if name not in known]
    if unknown:
        raise DataError(
            f'{path} has the split_names {", ".join(names)}; expected {", ".join(known)}'
        )
    return np.array(names, np.str_)[_indices(arrays['split'], len(names), 'split', path)]


def labels_of(arrays: Arrays, path: Path) -> Labels:
    """
    Return the labels, -1 where there is none, with the names of their classes.

    :raises DataError: if the classes have no names, or a label is none of them
    """
    named = next((arrays[key] for key in CLASS_NAMES if key in arrays), None)
    names = () if named is None else tuple(map(str, named.flat))
    if len(set(names)) != len(names) or len(names) < 2:
        raise DataError(
            f'{path}: {" or ".join(CLASS_NAMES)} must be two or more different names, got {names}'
        )
    return Labels.of(names, _indices(arrays['labels'], len(names), 'label', path, UNLABELLED))


def _indices(
    array: NDArray[np.generic], count: int, what: str, path: Path, lowest: int = 0
) -> Indices:
    """Return an array of indices; refuse one that is out of range."""
    values = array.astype(np.int64)
    wrong = np.flatnonzero((values < lowest) | (values >= count))
    if len(wrong):
        raise DataError(
            f'{path}: face {wrong[0]} has the {what} {values[wrong[0]]}, '
            f'expected {lowest} to {count - 1}'
        )
    return values


def read_packed(path: Path, options: ReadOptions) -> DividedFaces:
    """
    Read a packed data set that says which part each face is of.

    The labels have no attribute's name: it is what they are read for. Every array with names
    beside it, such as ``source`` and ``source_names``, is a fact, and so is ``age``.

    :raises DataError: if the file is damaged or mislabelled
    """
    arrays = load_arrays(path, ('offset', 'split', 'split_names'))
    part = parts_of(arrays, path, PARTS)
    labels = {'': labels_of(arrays, path)} if 'labels' in arrays else {}
    facts = _facts(arrays, path)
    pictures = decode_pictures(arrays, path)
    boxes = arrays.get('box')
    corners = boxes_of_crops(pictures, options.geometry) if boxes is None else boxes.astype(float)
    found = np.isfinite(corners).all(1) & (corners[:, :2] < corners[:, 2:]).all(1)
    note = f'{path.name}: {int((~found).sum())} pictures without a box are left out'
    points = arrays.get('landmarks')
    check_pixels(path, corners[found])
    for index in np.flatnonzero(found).tolist():
        height, width = pictures[index].shape
        where = f'{path}: picture {index}'
        check_box(where, corners[index], width, height)
        if points is not None:
            check_landmarks(where, points[index], corners[index])
    faces = FaceSet(
        pictures=pictures,
        boxes=corners,
        names=[f'{path.name}[{index}]' for index in range(len(pictures))],
        labels=labels,
        facts=facts,
        landmarks=None if points is None else points.astype(np.float32),
        notes=() if found.all() else (note,),
    )
    return DividedFaces(faces, np.where(found, part, ''))


def _facts(arrays: Arrays, path: Path) -> dict[str, Fact]:
    facts = {}
    for key, values in arrays.items():
        named = arrays.get(f'{key}_names')
        names = KNOWN_NAMES.get(key, ()) if named is None else tuple(map(str, named.flat))
        if key == 'split' or (not names and key != 'age'):
            continue
        _check_shape(path, arrays, key, arrays['split'].shape, arrays['split'].size)
        count = len(names) if names else np.iinfo(np.int64).max
        facts[key] = Fact(_indices(values, count, key, path, UNLABELLED), names)
    return facts


def read_row_labels(path: Path, count: int) -> Labels:
    """
    Read labels for some of the pictures of another packed file, by their rows in it.

    :param count: how many pictures that file has
    :returns: labels for all of them, ``UNLABELLED`` where this file has none
    :raises DataError: if the file is damaged or mislabelled
    """
    arrays = load_arrays(path, ('labels',))
    key = _row_keys(arrays)[0]
    labels = labels_of(arrays, path)
    _check_shape(path, arrays, key, labels.indices.shape, len(labels.indices))
    rows = _indices(arrays[key], count, key, path)
    indices = np.full(count, UNLABELLED, np.int64)
    indices[rows] = labels.indices
    other = np.flatnonzero(indices[rows] != labels.indices)
    if len(other):
        raise DataError(
            f'{path}: row {rows[other[0]]} stands there more than once, with different labels; '
            'expected each picture to have one'
        )
    return Labels.of(labels.classes, indices)


def _row_keys(arrays: Iterable[str]) -> list[str]:
    """Return the names of the arrays that are rows of another file."""
    return sorted(key for key in arrays if key.endswith('_index'))
