"""Find the data a configuration names, whatever format it has, and part it."""

from __future__ import annotations

from dataclasses import replace
import os
from pathlib import Path

import numpy as np
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.paths import is_there
from rtcnn_perception.paths import with_home
from rtcnn_perception.training.data import folders as read_folders
from rtcnn_perception.training.data import npz as read_npz
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import join
from rtcnn_perception.training.data.faces import Splits
from rtcnn_perception.training.data.faces import without_labels
from rtcnn_perception.training.data.fer_csv import read_fer_csv
from rtcnn_perception.training.engine.config import DataConfig

REPOSITORY = Path(__file__).resolve().parents[3]

SPLIT_SEED = 1
"""
Parts data that does not say how, alike for everybody and whatever the seed of a training.

With parts of its own, a training would learn from faces that others judge it by.
"""


def data_folder() -> Path:
    """Return where research data is kept: ``RTCNN_DATA``, else beside the repository."""
    named = os.environ.get('RTCNN_DATA')
    return Path(named) if named else REPOSITORY.parent / 'shared' / 'data'


def find_data(name: str) -> Path:
    """
    Return the path of a data set: as it is given, else below the data folder.

    :raises DataError: if it is in neither place
    """
    candidates = (with_home(name), data_folder() / name)
    for candidate in candidates:
        if is_there(candidate):
            return candidate
    places = ' or '.join(str(candidate) for candidate in candidates)
    raise DataError(f'there is no data at {places}; RTCNN_DATA may name the folder')


def load_splits(data: DataConfig, geometry: CropGeometry, seed: int = SPLIT_SEED) -> Splits:
    """
    Read the data of every attribute, joined where there are two.

    :param data: what to read
    :param geometry: the crop that pictures without boxes are taken for
    :param seed: chooses what is held out where the data does not say
    :raises DataError: if something is missing, damaged or mislabelled
    """
    found: list[Splits] = []
    if data.emotion:
        votes = find_data(data.emotion_votes) if data.emotion_votes else None
        found.append(read_for(find_data(data.emotion), 'emotion', geometry, seed, votes=votes))
    if data.gender:
        found.append(read_for(find_data(data.gender), 'gender', geometry, seed))
    splits = found[0]
    for other in found[1:]:
        splits = Splits(
            join(splits.train, other.train),
            join(splits.val, other.val),
            join(splits.test, other.test),
        )
    if data.unlabelled:
        faces = load_any(find_data(data.unlabelled), geometry, ('emotion', 'gender'), seed).train
        splits = replace(splits, train=join(splits.train, without_labels(faces)))
    return splits


def read_for(
    path: Path,
    attribute: str,
    geometry: CropGeometry,
    seed: int,
    *,
    votes: Path | None = None,
) -> Splits:
    """
    Read data of one attribute, by the kind of file or folder it is.

    :raises DataError: if there is no reader for it, or the data is not fit
    """
    if votes and path.suffix != '.csv':
        raise DataError(f"{path}: FER+'s votes are read beside fer2013.csv alone, not {votes}")
    if path.suffix == '.npz':
        if attribute == 'emotion':
            return read_npz.read_emotion(path, geometry, seed)
        return read_npz.read_gender(path)
    if path.suffix == '.csv':
        if attribute != 'emotion':
            raise DataError(f'{path}: a .csv file is read as FER-2013, which has no {attribute}')
        return read_fer_csv(path, votes, geometry, seed)
    if path.is_dir():
        return read_folders.read_folder(path, attribute, geometry, seed)
    raise DataError(f'{path} is neither an .npz or .csv file nor a folder')


def load_any(
    path: Path,
    geometry: CropGeometry,
    attributes: tuple[str, ...],
    seed: int = SPLIT_SEED,
    *,
    votes: Path | None = None,
) -> Splits:
    """
    Read data for a model that judges ``attributes``, by the one whose data it looks most like.

    :param votes: FER+'s csv beside ``fer2013.csv``
    :raises DataError: if there is no reader for it, or the data is not fit
    """
    attribute = max(attributes, key=lambda each: _likeness(path, each))
    return read_for(path, attribute, geometry, seed, votes=votes)


def _likeness(path: Path, attribute: str) -> int:
    if path.suffix == '.npz':
        return read_npz.likeness(path, attribute)
    if path.is_dir():
        return read_folders.likeness(path, attribute)
    return int(attribute == 'emotion')


def mix_votes(faces: FaceSet, share: float) -> FaceSet:
    """
    Blend FER+'s distributions into the emotion targets where a face has votes.

    :param share: weight of the votes, in [0, 1]
    """
    votes = faces.targets.get('emotion_votes')
    if votes is None:
        return faces
    has_votes = votes.sum(axis=1, keepdims=True) > 0
    weight = np.where(has_votes, np.float32(share), np.float32(0.0))
    mixed = (1 - weight) * faces.targets['emotion'] + weight * votes
    targets = {n: t for n, t in faces.targets.items() if n != 'emotion_votes'}
    targets['emotion'] = mixed.astype(np.float32)
    return replace(faces, targets=targets)
