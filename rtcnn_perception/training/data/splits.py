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

"""Pictures known by their pixels: copies, parts that are held out, fingerprints of data."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterable
from collections.abc import Sequence
import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageGray
from rtcnn_perception.training.data.classes import UNLABELLED
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import PARTS
from rtcnn_perception.training.data.faces import Splits

BOXES_AND_VOTES = 'boxes and votes'
"""What the fingerprint of pictures, boxes and distributions is called, beside those of parts."""

HELD_OUT = 0.1
"""Of the distinct pictures of train, for each part that a folder or a table lacks."""


def digest_of(picture: ImageGray) -> bytes:
    """Return a checksum of the pixels of a picture and of its size."""
    pixels = np.ascontiguousarray(picture).tobytes()
    return hashlib.sha256(repr(picture.shape).encode() + pixels).digest()


def digests_of(pictures: Sequence[ImageGray]) -> list[bytes]:
    """Return the checksum of each picture; one that several faces share is read once."""
    pictures = list(pictures)  # which keeps each at its address
    known: dict[int, bytes] = {}
    for picture in pictures:
        if id(picture) not in known:
            known[id(picture)] = digest_of(picture)
    return [known[id(picture)] for picture in pictures]


def duplicate_groups(pictures: Sequence[ImageGray]) -> NDArray[np.int64]:
    """
    Give each picture a number that it shares with its exact copies.

    :returns: (N,) int64; groups are numbered in the order of their first picture
    """
    return _numbered(digests_of(pictures))


def _numbered(digests: Sequence[bytes]) -> NDArray[np.int64]:
    numbers: dict[bytes, int] = {}
    found = [numbers.setdefault(digest, len(numbers)) for digest in digests]
    return np.array(found, np.int64)


def hold_out(
    groups: NDArray[np.int64], share: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """
    Choose a share of the groups at random, whole groups only: another group changes the choice.

    :param groups: (N,) number of each picture's group
    :param share: in (0, 1)
    :param rng: where chance comes from
    :returns: (N,) bool, true for the pictures held out
    """
    distinct = np.unique(groups)
    chosen = rng.permutation(distinct)[: round(share * len(distinct))]
    return np.isin(groups, chosen)


def hold_out_by_pixels(digests: Sequence[bytes], share: float, salt: str) -> NDArray[np.bool_]:
    """
    Choose about a share of the pictures, each by its own pixels, and at least one.

    Where others are added, none that was left is chosen: a network that learnt from it is not
    measured on it later.

    :param digests: of the pictures (N,), as :func:`digest_of` gives them
    :param share: in (0, 1)
    :param salt: makes another choice of the same pictures
    :returns: (N,) bool, true for the pictures held out, with all their copies
    """
    salted = [hashlib.sha256(salt.encode() + digest).digest() for digest in digests]
    places = np.array([int.from_bytes(each[:8], 'big') for each in salted], np.float64) / 2**64
    return places <= max(share, places.min(initial=1.0))


def complete_parts(
    part: NDArray[np.str_],
    pictures: Sequence[ImageGray],
    given: Collection[str],
    seed: int,
    path: Path,
) -> list[str]:
    """
    Leave out copies, and hold out of train, about a tenth each, the parts that are not given.

    A picture of train or val that a later part has too is left out. Without train nothing is held
    out.

    :param part: (N,) the name of each one's part, which is changed; empty where it is left out
    :param given: the parts that are there
    :param path: of the data, for errors
    :returns: notes on what is left out
    :raises DataError: if there is train, and nothing for a part
    """
    digests = digests_of(pictures)
    notes = leave_copies_out(part, _numbered(digests))
    for name in ('test', 'val') if 'train' in given else ():
        if name not in given:
            rest = np.flatnonzero(part == 'train')
            chosen = hold_out_by_pixels([digests[i] for i in rest], HELD_OUT, f'{seed} {name}')
            part[rest[chosen]] = name
    for name in PARTS if 'train' in given else ():
        if not (part == name).any():
            raise DataError(f'{path} has too few pictures: there is none for the part {name}')
    return notes


def leave_copies_out(
    part: NDArray[np.str_], groups: NDArray[np.int64], where: str = ''
) -> list[str]:
    """
    Empty the part (N,) of each picture that a later part has too; say how many.

    :param groups: (N,) number of each picture's group of copies
    :param where: what has those later parts, for the notes
    """
    notes = []
    for name, later in (('val', ['test']), ('train', ['val', 'test'])):
        copies = (part == name) & np.isin(groups, groups[np.isin(part, later)])
        part[copies] = ''
        if copies.any():
            notes.append(
                f'{int(copies.sum())} pictures of {name} also occur in {" or ".join(later)}'
                f'{where} and are left out'
            )
    return notes


def fingerprint(digests: Iterable[bytes]) -> str:
    """Return how many pictures a part has, and a checksum that is the same in any order."""
    ordered = sorted(digests)
    return f'{len(ordered)} pictures, sha256 {hashlib.sha256(b"".join(ordered)).hexdigest()[:16]}'


def fingerprints_of(splits: Splits) -> dict[str, str]:
    """
    Return by part which pictures are in it with which labels, whatever their files.

    Under ``BOXES_AND_VOTES`` all pictures with their boxes and the distributions to learn.
    """
    prints = {part: fingerprint(_labelled_digests(getattr(splits, part))) for part in PARTS}
    every = (digest for part in PARTS for digest in _framed_digests(getattr(splits, part)))
    return {**prints, BOXES_AND_VOTES: fingerprint(every)}


def _labelled_digests(faces: FaceSet) -> Iterable[bytes]:
    """Yield a checksum of the picture and of the names of the classes of each face."""
    labels = sorted(faces.labels.items())
    indices = np.array([each.indices for _, each in labels], np.int64)
    rows = indices.reshape(len(labels), len(faces)).T.tolist()
    for digest, row in zip(digests_of(faces.pictures), rows, strict=True):
        known = [
            (name, each.classes[index])
            for (name, each), index in zip(labels, row, strict=True)
            if index != UNLABELLED
        ]
        yield hashlib.sha256(digest + repr(known).encode()).digest()


def _framed_digests(faces: FaceSet) -> Iterable[bytes]:
    """Yield a checksum of the picture, its box and the distributions of each face."""
    votes = [
        each.targets[:, np.argsort(each.classes, kind='stable')]
        for _, each in sorted(faces.labels.items())
    ]
    for row, (digest, box) in enumerate(zip(digests_of(faces.pictures), faces.boxes, strict=True)):
        rest = b''.join(values[row].tobytes() for values in votes)
        yield hashlib.sha256(digest + box.tobytes() + rest).digest()


def is_blank(picture: ImageGray) -> bool:
    """Return whether a picture has a single value, and so shows nothing."""
    return bool(picture.min() == picture.max())
