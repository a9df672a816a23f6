"""Labelled faces in memory, whatever file they came from."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageGray
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.geometry.landmarks import FacePlace
from rtcnn_perception.exceptions import PerceptionError

UNLABELLED = -1
"""The label of a face that nobody judged for an attribute."""


class DataError(PerceptionError):
    """A data set is missing, damaged or mislabelled."""


@dataclass(frozen=True)
class FaceSet:
    """
    Faces with their boxes and labels; all sequences have one entry for each face.

    ``targets`` are the distributions to learn, (N, C) float32, a row of zeros where there is none;
    ``labels`` are what a face is judged by, (N,) int64, ``UNLABELLED`` where there is none.
    ``facts`` hold what else is known, such as age, (N,) each. ``landmarks`` are (N, 5, 2) in
    pixels of the pictures, NaN where a face has none, and None where no face has any.
    """

    pictures: Sequence[ImageGray]
    boxes: NDArray[np.float64]
    labels: Mapping[str, NDArray[np.int64]]
    targets: Mapping[str, NDArray[np.float32]]
    names: Sequence[str]
    facts: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    landmarks: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        """Return how many faces there are."""
        return len(self.pictures)

    def box(self, index: int) -> BoundingBox:
        """Return the box of one face in pixels of its picture."""
        x0, y0, x1, y1 = self.boxes[index].tolist()
        return BoundingBox(x0, y0, x1, y1)

    def place(self, index: int) -> FacePlace:
        """Return where one face is in its picture."""
        points = None if self.landmarks is None else self.landmarks[index]
        is_known = points is not None and bool(np.isfinite(points).all())
        return FacePlace(self.box(index), points if is_known else None)

    def take(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> FaceSet:
        """Return the chosen faces, by index or by mask."""
        indices = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
        return replace(
            self,
            pictures=[self.pictures[i] for i in indices],
            boxes=self.boxes[indices],
            labels={name: values[indices] for name, values in self.labels.items()},
            targets={name: values[indices] for name, values in self.targets.items()},
            names=[self.names[i] for i in indices],
            facts={name: values[indices] for name, values in self.facts.items()},
            landmarks=None if self.landmarks is None else self.landmarks[indices],
        )


@dataclass(frozen=True)
class Splits:
    """One data set in the parts it is used in: to learn, to choose, to report."""

    train: FaceSet
    val: FaceSet
    test: FaceSet

    def part(self, name: str) -> FaceSet:
        """Return 'train', 'val' or 'test'."""
        parts = {'train': self.train, 'val': self.val, 'test': self.test}
        if name not in parts:
            raise DataError(f'no part of a data set is called {name!r}; there are {list(parts)}')
        return parts[name]


def box_of_crop(geometry: CropGeometry, width: int, height: int) -> tuple[float, ...]:
    """
    Return the box whose crop is the whole picture, for pictures that are crops already.

    :param geometry: how the crop lies about the box
    :param width: width of the picture in pixels
    :param height: height in pixels
    :returns: x0, y0, x1, y1
    """
    longer = max(width, height) / (1 + 2 * geometry.margin)
    x, y = width / 2, height / 2 - longer * geometry.shift_down
    return x - longer / 2, y - longer / 2, x + longer / 2, y + longer / 2


def one_hot(labels: NDArray[np.int64], classes: int) -> NDArray[np.float32]:
    """Return (N, C) float32 with a one at each label and a row of zeros where there is none."""
    targets = np.zeros((len(labels), classes), np.float32)
    known = labels != UNLABELLED
    targets[known, labels[known]] = 1.0
    return targets


def without_labels(faces: FaceSet) -> FaceSet:
    """Return the same faces as nobody had judged them."""
    return replace(faces, labels={}, targets={})


def join(first: FaceSet, second: FaceSet) -> FaceSet:
    """Return the faces of both sets; an attribute one of them lacks is unlabelled there."""

    def labels(part: FaceSet, name: str) -> NDArray[np.int64]:
        missing = np.full(len(part), UNLABELLED, np.int64)
        return part.labels.get(name, missing)

    def targets(part: FaceSet, name: str, classes: int) -> NDArray[np.float32]:
        return part.targets.get(name, np.zeros((len(part), classes), np.float32))

    def landmarks(part: FaceSet) -> NDArray[np.float32]:
        unknown = np.full((len(part), 5, 2), np.nan, np.float32)
        return unknown if part.landmarks is None else part.landmarks

    both = (first, second)
    widths = {name: t.shape[1] for part in both for name, t in part.targets.items()}
    facts = {name for part in both for name in part.facts}
    nothing = {id(part): np.full(len(part), -1, np.int64) for part in both}
    return FaceSet(
        pictures=[*first.pictures, *second.pictures],
        boxes=np.concatenate([part.boxes for part in both]),
        labels={n: np.concatenate([labels(part, n) for part in both]) for n in widths},
        targets={n: np.concatenate([targets(p, n, c) for p in both]) for n, c in widths.items()},
        names=[*first.names, *second.names],
        facts={
            n: np.concatenate([part.facts.get(n, nothing[id(part)]) for part in both])
            for n in sorted(facts)
        },
        notes=first.notes + second.notes,
        landmarks=np.concatenate([landmarks(part) for part in both]),
    )
