"""FER-2013 made ready: duplicates kept on one side, labels and FER+ votes turned into targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageGray
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.labels import EMOTION_LABELS
from rtcnn_perception.training.data.faces import box_of_crop
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import one_hot
from rtcnn_perception.training.data.faces import Splits
from rtcnn_perception.training.data.faces import UNLABELLED
from rtcnn_perception.training.data.splits import duplicate_groups
from rtcnn_perception.training.data.splits import hold_out
from rtcnn_perception.training.data.splits import is_blank

FERPLUS_TO_FER = (4, 5, 6, 1, 3, 2, 0)
"""Columns of FER+ votes in the order of ``EMOTION_LABELS``; the last three have no class here."""

USAGES = ('Training', 'PublicTest', 'PrivateTest')
"""The parts of FER-2013; nothing here uses the last."""

HELD_OUT_SHARE = 0.1
"""Of the distinct Training pictures; some 2,800, so that one point is 28 pictures."""


@dataclass(frozen=True)
class EmotionRecords:
    """Rows of FER-2013 as they stand in a file, before anything is left out."""

    pictures: Sequence[ImageGray]
    labels: NDArray[np.int64]
    votes: NDArray[np.int64]
    usage: Sequence[str]
    names: Sequence[str]
    origin: str


def ferplus_targets(votes: NDArray[np.int64]) -> NDArray[np.float32]:
    """
    Turn votes into distributions over the seven classes.

    :param votes: (N, 10) votes in the order of FER+, -1 where there are none
    :returns: (N, 7) float32, a row of zeros where no vote is for one of the seven
    """
    counts = np.clip(votes[:, list(FERPLUS_TO_FER)], 0, None).astype(np.float32)
    totals = counts.sum(axis=1, keepdims=True)
    shares: NDArray[np.float32] = np.divide(
        counts, totals, out=np.zeros_like(counts), where=totals > 0
    )
    return shares


def ferplus_majority(votes: NDArray[np.int64]) -> NDArray[np.int64]:
    """
    Return the class with most votes among the seven.

    ``UNLABELLED`` where there are no votes, or where contempt, unknown or "no face" has as many as
    any class. A tie among the seven goes to the first class.
    """
    counts = np.clip(votes[:, list(FERPLUS_TO_FER)], 0, None)
    others = np.clip(votes[:, 7:], 0, None).max(axis=1)
    return np.where(counts.max(axis=1) > others, counts.argmax(axis=1), UNLABELLED)


def emotion_splits(records: EmotionRecords, geometry: CropGeometry, seed: int) -> Splits:
    """
    Part the rows into train, val (held out of Training) and test (PublicTest).

    Blank pictures are left out of train and val, and so is every Training picture that PublicTest
    has too. Copies within train and val become one picture with the average of their targets.

    :raises DataError: if a row is of no part, a label is no class, or a part is empty
    """
    for name, part in zip(records.names, records.usage, strict=True):
        if part not in USAGES:
            raise DataError(f'{name} has the usage {part!r}, expected one of {", ".join(USAGES)}')
    labels = records.labels
    wrong = np.flatnonzero((labels < 0) | (labels >= len(EMOTION_LABELS)))
    if len(wrong):
        where, label = records.names[wrong[0]], labels[wrong[0]]
        raise DataError(f'{where} has the label {label}, expected 0 to {len(EMOTION_LABELS) - 1}')
    usage = np.asarray(records.usage)
    training, test = usage == 'Training', usage == 'PublicTest'
    for name, rows in (('Training', training), ('PublicTest', test)):
        if not rows.any():
            raise DataError(f'{records.origin}: the split {name} is empty')
    groups = duplicate_groups(records.pictures)
    blank = np.array([is_blank(picture) for picture in records.pictures])
    in_test = np.isin(groups, groups[test])
    usable = training & ~blank & ~in_test
    everyone = _face_set(records, groups, usable, geometry)
    firsts = np.unique(np.where(usable, groups, -1), return_index=True)[1]
    firsts = np.sort(firsts[usable[firsts]]).astype(np.int64)
    held_out = hold_out(groups[firsts], HELD_OUT_SHARE, np.random.default_rng(seed))
    if held_out.all() or not held_out.any():
        raise DataError(f'{records.origin}: too few Training pictures to hold a part out')
    notes = (
        f'{int((training & blank).sum())} blank pictures of Training are left out',
        f'{int((training & ~blank & in_test).sum())} pictures of Training also occur in '
        'PublicTest and are left out',
        f'{int(usable.sum()) - len(firsts)} further copies within Training are merged',
    )
    train = everyone.take(firsts[~held_out])
    return Splits(
        replace(train, notes=notes),
        everyone.take(firsts[held_out]),
        everyone.take(test),
    )


def _face_set(
    records: EmotionRecords,
    groups: NDArray[np.int64],
    usable: NDArray[np.bool_],
    geometry: CropGeometry,
) -> FaceSet:
    """Return all rows; copies among the usable rows get the average of their targets."""
    hard = one_hot(records.labels, len(EMOTION_LABELS))
    soft = ferplus_targets(records.votes)
    for targets in (hard, soft):
        sums = np.zeros((int(groups.max()) + 1, targets.shape[1]), np.float32)
        np.add.at(sums, groups[usable], targets[usable])
        totals = sums.sum(axis=1, keepdims=True)
        means = np.divide(sums, totals, out=sums, where=totals > 0)
        targets[usable] = means[groups[usable]]
    boxes = [box_of_crop(geometry, p.shape[1], p.shape[0]) for p in records.pictures]
    return FaceSet(
        pictures=list(records.pictures),
        boxes=np.array(boxes),
        labels={'emotion': records.labels},
        targets={'emotion': hard, 'emotion_votes': soft},
        names=list(records.names),
        facts={'ferplus': ferplus_majority(records.votes)},
    )
