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

"""Photographs with annotated faces, as ``annotations.json`` in their folder lists them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
import hashlib
import math
import os.path
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.arrays import ImageGray
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.files import parse_json
from rtcnn_perception.files import read_bytes
from rtcnn_perception.training.data.boxes import check_box
from rtcnn_perception.training.data.boxes import check_landmarks
from rtcnn_perception.training.data.boxes import check_pixels
from rtcnn_perception.training.data.faces import boxes_of_crops
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import PARTS
from rtcnn_perception.training.data.pictures import COLOR
from rtcnn_perception.training.data.pictures import read_picture
from rtcnn_perception.training.data.sources import find_data

ANNOTATIONS = 'annotations.json'

EXPECTED = (
    'expected a list with an entry for each photograph: its file, width, height and split, and '
    'its faces, each a table with a box of x0, y0, x1, y1 and, where they are known, five '
    'landmarks, in pixels'
)
EXPECTED_WIDER = (
    'expected, by the name of each file, a table with boxes, each with a box of x0, y0, x1, y1 in '
    'pixels and whether it is invalid'
)

UNCUT = CropGeometry(0.0)
"""The crop that is the picture itself, where it has no box."""

UNKNOWN = [[math.nan, math.nan]] * 5
"""Landmarks of a face without annotated ones."""


@dataclass(frozen=True)
class Photograph:
    """
    A picture in its file, and its annotations in pixels.

    ``boxes`` (N, 4) are x0, y0, x1, y1; ``scores`` (N,) a teacher's, 1 where people annotated the
    face; ``landmarks`` (N, 5, 2) right eye, left eye, nose, right and left mouth corner, the
    person's own right and left, NaN where unknown. ``ignored`` (M, 4) are neither faces to find
    nor false ones.
    """

    path: Path
    width: int
    height: int
    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    landmarks: NDArray[np.float32]
    ignored: NDArray[np.float32]
    split: str

    @property
    def is_negative(self) -> bool:
        """Whether there is no face in it."""
        return not len(self.boxes) and not len(self.ignored)

    def read(self) -> ImageBGR:
        """
        Decode the picture.

        :returns: (height, width, 3) uint8, BGR
        :raises DataError: if it cannot be decoded, or has another size than its annotations say
        """
        image = read_picture(self.path, COLOR)
        if image.shape[:2] != (self.height, self.width):
            raise DataError(
                f'{self.path}: {ANNOTATIONS} says {self.width}x{self.height} pixels, '
                f'the picture has {image.shape[1]}x{image.shape[0]}'
            )
        return image

    def content(self) -> bytes:
        """
        Return the bytes of the picture's file.

        :raises DataError: if it cannot be read
        """
        try:
            return read_bytes(self.path)
        except OSError as error:
            raise DataError(f'cannot read the picture {self.path}: {error.strerror}') from error

    def digest(self) -> bytes:
        """Return a checksum of picture and annotations; errors as of :meth:`content`."""
        arrays = (self.boxes, self.scores, self.landmarks, self.ignored)
        shape = (self.width, self.height, *map(len, arrays))
        marks = b''.join(array.tobytes() for array in arrays)
        return hashlib.sha256(repr(shape).encode() + marks + self.content()).digest()


@dataclass(frozen=True)
class FacePicture(Photograph):
    """A gray picture of one face, in memory."""

    gray: ImageGray

    def read(self) -> ImageBGR:
        """Return the picture, (height, width, 3) uint8, all channels alike."""
        return np.asarray(cv2.cvtColor(self.gray, cv2.COLOR_GRAY2BGR), np.uint8)

    def content(self) -> bytes:
        """Return the pixels."""
        return self.gray.tobytes()


def face_pictures(faces: FaceSet) -> list[FacePicture]:
    """
    Return a picture for each face, with its box and its landmarks where they are known.

    A crop without a box of its own is left out, as its face may fill any part of it. Others in a
    picture are not annotated; they are few, as the pictures are cut about one.
    """
    unknown = np.array(UNKNOWN, np.float32)
    pictures = []
    crops = boxes_of_crops(faces.pictures, UNCUT)
    for index, gray in enumerate(faces.pictures):
        if np.array_equal(faces.boxes[index], crops[index]):
            continue
        region = faces.region(index)
        points = unknown if region.landmarks is None else region.landmarks
        pictures.append(
            FacePicture(
                path=Path(faces.names[index]),
                width=gray.shape[1],
                height=gray.shape[0],
                boxes=np.array([region.box.as_tuple()], np.float32),
                scores=np.ones(1, np.float32),
                landmarks=points[None].astype(np.float32),
                ignored=np.zeros((0, 4), np.float32),
                split='train',
                gray=gray,
            )
        )
    return pictures


def photographs_in(names: Iterable[str]) -> list[Photograph]:
    """Read the annotations of folders by their names; errors as of :func:`read_photographs`."""
    return [each for name in names for each in read_photographs(find_data(name))]


def read_photographs(folder: Path) -> list[Photograph]:
    """
    Read the annotations of photographs, which lie in ``images`` below the folder, or in it.

    Two forms are known: a list with ``faces``, ``ignore`` and ``split`` for each photograph, of
    which ``ignore`` and the ``score`` of a face may be left out, and WIDER FACE's boxes by name of
    file, 416x416 unless they say otherwise, which are all ``test``.

    :raises DataError: naming the file and what is wrong with it
    """
    source = folder / ANNOTATIONS
    try:
        content = parse_json(read_bytes(source))
    except OSError as error:
        raise DataError(f'cannot read {source}: {error.strerror}') from error
    except ValueError as error:
        raise DataError(f'{source} is no JSON: {error}') from error
    images = folder / 'images' if (folder / 'images').is_dir() else folder
    if isinstance(content, dict) and isinstance(content.get('annotations'), list):
        raise DataError(f'{source} is in the form of COCO; {EXPECTED}')
    if isinstance(content, dict):
        entries = [
            {'file': name, **entry} if isinstance(entry, dict) else entry
            for name, entry in content.items()
        ]
        read = _read_wider
    elif isinstance(content, list):
        entries, read = content, _read_listed
    else:
        raise DataError(f'{source} holds a {type(content).__name__}; {EXPECTED}')
    photographs: list[Photograph] = []
    for number, entry in enumerate(entries):
        try:
            photograph = read(images, entry)
            _check(source, photograph)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            name = entry.get('file', number) if isinstance(entry, dict) else number
            is_missing = isinstance(error, KeyError)
            wrong = f'has no {error}' if is_missing else f'is not as expected: {error!r}'
            expected = EXPECTED if read is _read_listed else EXPECTED_WIDER
            raise DataError(f'{source}: the entry {name} {wrong}; {expected}') from error
        photographs.append(photograph)
    if not photographs:
        raise DataError(f'{source} lists no photograph')
    _check_together(source, photographs)
    return photographs


def _read_listed(images: Path, entry: Mapping[str, Any]) -> Photograph:
    faces = entry['faces']
    return Photograph(
        path=images / entry['file'],
        width=int(entry['width']),
        height=int(entry['height']),
        boxes=_rows([face['box'] for face in faces], (4,)),
        scores=_rows([face.get('score', 1.0) for face in faces], ()),
        landmarks=_rows([face.get('landmarks') or UNKNOWN for face in faces], (5, 2)),
        ignored=_rows([ignored['box'] for ignored in entry.get('ignore', ())], (4,)),
        split=entry['split'],
    )


def _read_wider(images: Path, entry: Mapping[str, Any]) -> Photograph:
    boxes = entry['boxes']
    valid = [each['box'] for each in boxes if not each['invalid']]
    return Photograph(
        path=images / entry['file'],
        width=int(entry.get('width', 416)),
        height=int(entry.get('height', 416)),
        boxes=_rows(valid, (4,)),
        scores=np.ones(len(valid), np.float32),
        landmarks=np.full((len(valid), 5, 2), np.nan, np.float32),
        ignored=_rows([each['box'] for each in boxes if each['invalid']], (4,)),
        split='test',
    )


def _rows(values: list[Any], shape: tuple[int, ...]) -> NDArray[np.float32]:
    return np.array(values, np.float32).reshape(len(values), *shape)


def _check_together(source: Path, photographs: Sequence[Photograph]) -> None:
    """Refuse photographs that are listed twice, and shares of a picture in place of pixels."""
    paths = Counter(os.path.normpath(photograph.path) for photograph in photographs)
    path, count = paths.most_common(1)[0]
    if count > 1:
        raise DataError(
            f'{source} lists {Path(path).name} twice; expected each photograph once, with '
            'all its faces: those of another entry would be taken for background'
        )
    check_pixels(source, np.concatenate([photograph.boxes for photograph in photographs]))


def _check(source: Path, photograph: Photograph) -> None:
    """Refuse annotations that no face can have."""
    name = photograph.path.name
    if photograph.split not in PARTS:
        raise DataError(f'{source}: {name} is of the split {photograph.split!r}, not of {PARTS}')
    if not ((photograph.scores >= 0) & (photograph.scores <= 1)).all():
        raise DataError(f'{source}: {name} has a score that is no number from 0 to 1')
    where = f'{source}: {name}'
    for box in (*photograph.boxes, *photograph.ignored):
        check_box(where, box, photograph.width, photograph.height)
    for box, points in zip(photograph.boxes, photograph.landmarks, strict=True):
        check_landmarks(where, points, box)
