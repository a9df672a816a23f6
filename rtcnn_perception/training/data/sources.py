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

"""What ``[data]`` of a configuration names, and where data lies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
import math
import os
from pathlib import Path

from rtcnn_perception.core.attributes.card import are_labels
from rtcnn_perception.core.attributes.card import EXPECTED_LABELS
from rtcnn_perception.core.attributes.card import EXPECTED_NAME
from rtcnn_perception.core.attributes.card import is_attribute_name
from rtcnn_perception.core.models.fields import shown
from rtcnn_perception.paths import is_there
from rtcnn_perception.paths import with_home
from rtcnn_perception.training.data.classes import AGE_BANDS
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.readers import npz
from rtcnn_perception.training.engine.config import NotNegative
from rtcnn_perception.training.engine.config import Positive
from rtcnn_perception.training.engine.config import Settings
from rtcnn_perception.training.engine.config import Share

REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class AttributeData(Settings):
    """
    Where the labels of one attribute come from, and how much each face counts.

    ``path`` names data sets, which are joined; ``reader`` is one of ``load.READERS``, guessed
    where it is empty. ``classes`` gives the order of the classes, else the first data set does.
    ``bands`` are the lower edges of the classes where the data has numbers, such as years; with
    ``spread`` above 0 each number is a normal distribution over the bands, whose deviation is that
    share of it and at least 1.
    ``votes`` is FER+'s csv beside ``fer2013.csv``; ``pictures`` the packed file whose rows a file
    of labels alone refers to. ``leave_out_faulty`` leaves damaged, missing and misnamed
    files of a folder or table out, which are refused otherwise. ``detector`` is the one whose
    candidates in annotated photographs are learnt from, a NAME or NAME=MODEL.

    ``balance`` 1 weighs classes as if all were equally frequent, 0 as they come;
    ``balance_groups`` names facts and attributes by which faces fall into groups, and
    ``group_balance`` is the like for those. ``weight`` is that of the attribute in the loss.
    """

    path: tuple[str, ...]
    reader: str = ''
    classes: tuple[str, ...] = ()
    bands: tuple[int, ...] = AGE_BANDS
    spread: NotNegative = 0.0
    votes: str = ''
    pictures: str = ''
    leave_out_faulty: bool = False
    detector: str = ''
    balance: Share = 0.0
    balance_groups: tuple[str, ...] = ()
    group_balance: Share = 0.5
    weight: Positive = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.path or not all(self.path):
            raise ValueError('path must name a file or folder')
        # What a card refuses is refused here, before hours of training.
        if self.classes and not are_labels(self.classes):
            raise ValueError(f'classes must be {EXPECTED_LABELS}, got {shown(list(self.classes))}')
        is_rising = sorted(set(self.bands)) == list(self.bands)
        if not is_rising or len(self.bands) < 2 or self.bands[0] < 0:
            raise ValueError(
                f'bands must rise from 0 or above and be two or more, got {list(self.bands)}'
            )


@dataclass(frozen=True)
class DataConfig:
    """
    A table for each attribute, and faces of which the labels are not used.

    A path that does not exist is searched for below the data folder as well. Of ``unlabelled``
    data the training part is taken: teachers give soft targets for it. ``shares`` say for a path
    how often each of its pictures comes in an epoch, once where there is none.
    """

    attributes: Mapping[str, AttributeData] = field(metadata={'tables': True})
    unlabelled: tuple[str, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)

    @property
    def paths(self) -> tuple[str, ...]:
        """Return every file or folder that is named, once, unlabelled ones last."""
        tables = self.attributes.values()
        labelled = [path for each in tables for path in (*each.path, each.pictures) if path]
        return tuple(dict.fromkeys((*labelled, *self.unlabelled)))

    def __post_init__(self) -> None:
        for path, share in self.shares.items():
            if path not in self.paths:
                raise ValueError(f'shares has {path}, which [data] names nowhere')
            if not 0 < share < math.inf:
                raise ValueError(f'the share of {path} must be above 0, got {share:g}')
        if not self.attributes:
            raise ValueError(
                '[data] must have a table for each attribute, such as [data.emotion] with a path'
            )
        for name in self.attributes:
            if not is_attribute_name(name):  # as the card of the exported model asks
                raise ValueError(
                    f'the attribute {name!r} must be named with {EXPECTED_NAME}, '
                    'such as [data.hat]'
                )


def data_folder() -> Path:
    """Return where research data is kept: ``RTCNN_DATA``, else beside the repository."""
    named = os.environ.get('RTCNN_DATA')
    return Path(named) if named else REPOSITORY.parent / 'shared' / 'data'


def find_data(name: str) -> Path:
    """
    Return the path of a data set: as it is given, else below the data folder.

    :raises DataError: if it is in neither place
    """
    given = with_home(name)
    candidates = (given,) if given.is_absolute() else (given, data_folder() / name)
    for candidate in candidates:
        if is_there(candidate):
            return candidate
    places = ' or '.join(str(candidate) for candidate in candidates)
    raise DataError(f'there is no data at {places}; RTCNN_DATA may name the folder')


def pictures_of(path: Path, wanted: AttributeData) -> Path:
    """
    Return the file whose pictures a data set labels: itself, unless it has labels alone.

    :raises DataError: if it has labels alone, and no file of pictures is named or there is none
    """
    if not npz.has_labels_alone(path):
        return path.resolve()
    if not wanted.pictures:
        raise DataError(
            f'{path} has labels for rows of another file and no pictures; name that file as '
            '`pictures`'
        )
    return find_data(wanted.pictures).resolve()


def check_pictures(wanted: AttributeData) -> None:
    """
    Refuse a file of pictures that no data set needs.

    :raises DataError: if there is one
    """
    if wanted.pictures and not any(map(npz.has_labels_alone, map(find_data, wanted.path))):
        raise DataError(
            f'{" and ".join(wanted.path)} has pictures of its own; `pictures` is for files that '
            f'have labels alone, got {wanted.pictures}'
        )
