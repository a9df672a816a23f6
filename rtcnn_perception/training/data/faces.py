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

"""Labelled faces in memory, whatever file they came from."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageGray
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.geometry.landmarks import FaceRegion
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.training.data.classes import AGE_BANDS
from rtcnn_perception.training.data.classes import band_names
from rtcnn_perception.training.data.classes import bands_of
from rtcnn_perception.training.data.classes import positions
from rtcnn_perception.training.data.classes import UNLABELLED

PARTS = ('train', 'val', 'test')
"""To learn from, to choose by, to report on."""

EVERYTHING = 'all'
"""The name of all parts together."""

Indices = NDArray[np.int64]


class DataError(PerceptionError):
    """A data set is missing, damaged or mislabelled."""


class Fact(NamedTuple):
    """
    What is known of each face: ``values`` (N,) int64, -1 where unknown.

    They are indices of ``names``, or numbers such as years where there are no names.
    """

    values: Indices
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Labels:
    """
    The labels of one attribute.

    ``classes`` are the names in order; ``indices`` (N,) int64 the class of each face,
    ``UNLABELLED`` where unknown; ``targets`` (N, C) float32 the distributions to learn, a row of
    zeros where there is none.
    """

    classes: tuple[str, ...]
    indices: Indices
    targets: NDArray[np.float32]

    @classmethod
    def of(cls, classes: Sequence[str], indices: Indices) -> Labels:
        """Return labels whose targets are a one at each index."""
        targets = np.zeros((len(indices), len(classes)), np.float32)
        known = indices != UNLABELLED
        targets[known, indices[known]] = 1.0
        return cls(tuple(classes), indices, targets)

    @property
    def is_known(self) -> NDArray[np.bool_]:
        """Which faces (N,) have a label or a target."""
        return (self.indices != UNLABELLED) | self.targets.any(axis=1)

    def take(self, chosen: Indices) -> Labels:
        """Return the labels at the chosen indices."""
        return replace(self, indices=self.indices[chosen], targets=self.targets[chosen])

    def with_classes(self, classes: Sequence[str], where: str) -> Labels:
        """
        Return the same labels with other classes, matched by name.

        :param where: what has those classes, for errors
        :raises UnknownClassError: if a class of these labels is not among them
        """
        places = positions(self.classes, classes, where)
        targets = np.zeros((len(self.indices), len(classes)), np.float32)
        targets[:, places] = self.targets
        indices = np.where(self.indices == UNLABELLED, UNLABELLED, places[self.indices])
        return Labels(tuple(classes), indices, targets)


@dataclass(frozen=True)
class FaceSet:
    """
    Faces with their boxes and labels; every sequence has one entry for each face.

    ``boxes`` (N, 4) are corners in pixels of the pictures, ``landmarks`` (N, 5, 2) likewise, NaN
    where a face has none, and None where no face has any. ``labels`` are by attribute, ``facts``
    by name; ``notes`` say what a reader left out. ``shares`` (N,) say how often each face comes in
    an epoch of training on average, None for once each.
    """

    pictures: Sequence[ImageGray]
    boxes: NDArray[np.float64]
    names: Sequence[str]
    labels: Mapping[str, Labels] = field(default_factory=dict)
    facts: Mapping[str, Fact] = field(default_factory=dict)
    landmarks: NDArray[np.float32] | None = None
    notes: tuple[str, ...] = ()
    shares: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.pictures)

    def box(self, index: int) -> BoundingBox:
        """Return the box of one face in pixels of its picture."""
        x0, y0, x1, y1 = self.boxes[index].tolist()
        return BoundingBox(x0, y0, x1, y1)

    def region(self, index: int) -> FaceRegion:
        """Return box and landmarks of one face in pixels of its picture."""
        points = None if self.landmarks is None else self.landmarks[index]
        is_known = points is not None and bool(np.isfinite(points).all())
        return FaceRegion(self.box(index), points if is_known else None)

    def take(self, chosen: Indices | NDArray[np.bool_]) -> FaceSet:
        """Return the chosen faces, by index or by mask."""
        indices = (np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen).astype(np.int64)
        return replace(
            self,
            pictures=[self.pictures[i] for i in indices],
            boxes=self.boxes[indices],
            names=[self.names[i] for i in indices],
            labels={name: each.take(indices) for name, each in self.labels.items()},
            facts={n: Fact(f.values[indices], f.names) for n, f in self.facts.items()},
            landmarks=None if self.landmarks is None else self.landmarks[indices],
            shares=None if self.shares is None else self.shares[indices],
        )

    def with_classes(self, classes: Mapping[str, Sequence[str]]) -> FaceSet:
        """Return the same faces, labels of some attributes as :meth:`Labels.with_classes`."""
        labels = {
            name: each.with_classes(classes[name], name) if name in classes else each
            for name, each in self.labels.items()
        }
        return replace(self, labels=labels)

    def groups(self, name: str) -> Fact:
        """
        Return the groups of an attribute, or of a fact, numbers in bands of years.

        :raises DataError: if neither has that name
        """
        if name in self.labels:
            return Fact(self.labels[name].indices, self.labels[name].classes)
        if name not in self.facts:
            known = ', '.join(dict.fromkeys((*self.labels, *self.facts))) or 'nothing'
            raise DataError(f'nothing is known of {name}; expected one of {known}')
        fact = self.facts[name]
        if fact.names:
            return fact
        bands = band_names(AGE_BANDS)
        return Fact(bands_of(fact.values, bands), bands)


@dataclass(frozen=True)
class Splits:
    """One data set in its parts; a part may be empty."""

    train: FaceSet
    val: FaceSet
    test: FaceSet

    @classmethod
    def of(cls, faces: FaceSet, part: NDArray[np.str_]) -> Splits:
        """Divide faces by the name of each one's part (N,); those of no part are left out."""
        train, val, test = (faces.take(part == name) for name in PARTS)
        return cls(train, replace(val, notes=()), replace(test, notes=()))

    def part(self, name: str) -> FaceSet:
        """
        Return the faces of one of ``PARTS``, or of all.

        :raises DataError: if that part is empty
        """
        parts = {part: getattr(self, part) for part in PARTS}
        faces: FaceSet = join(*parts.values()) if name == EVERYTHING else parts[name]
        if not len(faces):
            others = [other for other in PARTS if len(parts[other])]
            raise DataError(f'the data has no part {name}; it has {", ".join(others) or "none"}')
        return faces


class DividedFaces(NamedTuple):
    """
    What a reader gives: faces, and the name of each one's part (N,), empty where it is left out.

    Labels without an attribute's name stand under the empty name.
    """

    faces: FaceSet
    part: NDArray[np.str_]


class ReadOptions(NamedTuple):
    """
    What readers may need beside the data.

    ``geometry`` is the crop that pictures without boxes are taken for; ``seed`` chooses what is
    held out where the data does not say; ``votes`` is FER+'s csv beside ``fer2013.csv``.
    ``leave_out_faulty`` leaves damaged, missing and misnamed files out, instead of refusing all.
    ``needs_labels`` refuses a table that has none. ``detector`` is the one that looks for
    candidates in photographs, as ``parse_detector`` reads it; empty for the default.
    """

    geometry: CropGeometry
    seed: int
    votes: Path | None = None
    leave_out_faulty: bool = False
    needs_labels: bool = True
    detector: str = ''


def boxes_of_crops(pictures: Sequence[ImageGray], geometry: CropGeometry) -> NDArray[np.float64]:
    """Return the boxes (N, 4) whose crops, framed so, are the whole pictures."""
    boxes = []
    for picture in pictures:
        height, width = picture.shape
        longer = max(width, height) / (1 + 2 * geometry.margin)
        x, y = width / 2, height / 2 - longer * geometry.shift_down
        boxes.append((x - longer / 2, y - longer / 2, x + longer / 2, y + longer / 2))
    return np.array(boxes, np.float64).reshape(-1, 4)


def join(*parts: FaceSet) -> FaceSet:
    """
    Return the faces of all sets; an attribute or fact that one lacks is unknown there.

    The classes of an attribute are those of the first set that has it.

    :raises UnknownClassError: if a later set has another class
    """
    classes: dict[str, tuple[str, ...]] = {}
    facts: dict[str, tuple[str, ...]] = {}
    for part in parts:
        classes = {**{name: each.classes for name, each in part.labels.items()}, **classes}
        for name, fact in part.facts.items():
            facts[name] = tuple(dict.fromkeys((*facts.get(name, ()), *fact.names)))
    return FaceSet(
        pictures=[picture for part in parts for picture in part.pictures],
        boxes=np.concatenate([part.boxes for part in parts]),
        names=[name for part in parts for name in part.names],
        labels={name: _joined(name, names, parts) for name, names in classes.items()},
        facts={
            name: Fact(np.concatenate([_values(part, name, names) for part in parts]), names)
            for name, names in facts.items()
        },
        landmarks=np.concatenate([_landmarks(part) for part in parts]),
        shares=_shares(parts),
        notes=tuple(note for part in parts for note in part.notes),
    )


def _joined(name: str, classes: tuple[str, ...], parts: Sequence[FaceSet]) -> Labels:
    found = [
        part.labels.get(name, Labels.of(classes, np.full(len(part), UNLABELLED, np.int64)))
        for part in parts
    ]
    found = [each.with_classes(classes, f'{name} of the data before it') for each in found]
    indices = np.concatenate([each.indices for each in found])
    return Labels(classes, indices, np.concatenate([each.targets for each in found]))


def _values(part: FaceSet, name: str, names: tuple[str, ...]) -> Indices:
    found = part.facts.get(name)
    if found is None:
        return np.full(len(part), UNLABELLED, np.int64)
    if found.names == names:
        return found.values
    if not found.names:
        raise DataError(f'{name} must be numbers in all data sets or names in all, got both')
    places = np.append(positions(found.names, names, name), UNLABELLED)
    return np.asarray(places[found.values], np.int64)


def _landmarks(part: FaceSet) -> NDArray[np.float32]:
    unknown = np.full((len(part), 5, 2), np.nan, np.float32)
    return unknown if part.landmarks is None else part.landmarks


def _shares(parts: Sequence[FaceSet]) -> NDArray[np.float32] | None:
    if all(part.shares is None for part in parts):
        return None
    return np.concatenate(
        [np.ones(len(p), np.float32) if p.shares is None else p.shares for p in parts]
    )
