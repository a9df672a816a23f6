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

"""Candidates of a detector in annotated photographs are faces or none."""

from __future__ import annotations

import json

import cv2
import numpy as np
from photograph_sets import face_row
from photograph_sets import write_set
import pytest
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.data import load
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import ReadOptions
from rtcnn_perception.training.data.faces import Splits
from rtcnn_perception.training.data.readers.candidates import read_candidates
from rtcnn_perception.training.data.sources import AttributeData
from rtcnn_perception.training.data.sources import DataConfig
from tiny_detector import write_tiny_detector

pytest.importorskip('tqdm')  # of the extra `training`

GEOMETRY = CropGeometry(0.3)
PAINTED = [(1, 0.7), (4, 0.95), (7, 0.3)]


@pytest.fixture
def detector(tmp_path):
    return f'rtcnn={write_tiny_detector(tmp_path / "tiny")}'


def candidates(folder, detector):
    return read_candidates(folder, ReadOptions(GEOMETRY, 0, detector=detector))


def labelled(faces):
    """Return the class of each face, from left to right, each once."""
    labels = faces.labels['']
    named = {
        round(faces.box(index).center[0] / 32 - 0.5): labels.classes[labels.indices[index]]
        for index in range(len(faces))
    }
    return dict(sorted(named.items()))


def test_what_is_annotated_is_a_face_and_all_else_is_none(tmp_path, detector):
    folder = write_set(tmp_path / 'set', [face_row('a.png', 'train', 4)], [PAINTED])
    faces, part = candidates(folder, detector)
    assert labelled(faces) == {1: 'none', 4: 'face', 7: 'none'}
    assert set(part) == {'train'}
    assert set(faces.names) == {'a.png'}
    for picture in faces.pictures:
        assert picture is faces.pictures[0]  # shared: a photograph has many candidates
    assert faces.pictures[0].shape == (320, 320)


def test_candidates_are_in_the_part_of_their_photograph(tmp_path, detector):
    rows = [face_row('a.png', 'train', 4), face_row('b.png', 'val'), face_row('c.png', 'test')]
    folder = write_set(tmp_path / 'set', rows, [PAINTED] * 3)
    splits = Splits.of(*candidates(folder, detector))
    assert {len(each) for each in (splits.train, splits.val, splits.test)} == {len(splits.train)}
    assert labelled(splits.val) == {1: 'none', 4: 'none', 7: 'none'}


def test_widths_that_do_not_shrink_a_photograph_count_once(tmp_path, detector):
    folder = write_set(tmp_path / 'set', [face_row('a.png', 'train', 4)], [PAINTED])
    faces, _ = candidates(folder, detector)
    assert len({tuple(box) for box in faces.boxes.round(3).tolist()}) == len(faces)


def test_the_band_of_the_score_is_known(tmp_path, detector):
    folder = write_set(tmp_path / 'set', [face_row('a.png', 'train', 4)], [PAINTED])
    faces, _ = candidates(folder, detector)
    fact = faces.facts['score']
    bands = {
        round(faces.box(index).center[0] / 32 - 0.5): fact.names[value]
        for index, value in enumerate(fact.values)
    }
    assert bands == {1: '0.5 to 0.9', 4: '0.9 and above', 7: '0.1 to 0.5'}


def test_what_is_ignored_or_fits_badly_is_neither(tmp_path, detector):
    row = face_row('a.png', 'train', 4)
    row['ignore'] = [{'box': [30.0, 20.0, 70.0, 80.0]}]
    x0, y0, x1, y1 = row['faces'][0]['box']
    row['faces'].append(
        {'box': [x0 + 96 + 28, y0, x1 + 96 + 28, y1], 'score': 0.9, 'landmarks': None}
    )
    folder = write_set(tmp_path / 'set', [row], [PAINTED])
    faces, _ = candidates(folder, detector)
    assert labelled(faces) == {4: 'face'}


def test_a_configuration_names_reader_and_detector(tmp_path, detector):
    folder = write_set(
        tmp_path / 'set',
        [face_row('a.png', 'train', 4), face_row('b.png', 'val', 4)],
        [PAINTED, [(4, 0.8), (2, 0.6)]],
    )
    table = AttributeData(path=(str(folder),), reader='candidates', detector=detector)
    splits = load.load_splits(DataConfig({'candidate': table}), GEOMETRY)
    assert splits.train.labels['candidate'].classes == ('face', 'none')
    assert labelled_as(splits.val, 'candidate') == {'face', 'none'}
    (note,) = splits.train.notes
    assert note.startswith('set: ')
    assert 'candidates of rtcnn (tiny_face@' in note


def test_candidates_are_read_where_they_are_asked_for_alone(tmp_path):
    folder = write_set(tmp_path / 'set', [face_row('a.png', 'train', 4)], [PAINTED])
    assert load.guessed_reader(folder) != 'candidates'  # as labels may be ignored


def test_two_detectors_for_the_same_photographs_are_refused(tmp_path, detector):
    folder = write_set(tmp_path / 'set', [face_row('a.png', 'train', 4)], [PAINTED])
    tables = {
        name: AttributeData(path=(str(folder),), reader='candidates', detector=each)
        for name, each in (('one', detector), ('two', 'rtcnn'))
    }
    with pytest.raises(DataError, match='can have one detector, got rtcnn and rtcnn='):
        load.load_splits(DataConfig(tables), GEOMETRY)


def test_faulty_photographs_cannot_be_left_out(tmp_path, detector):
    folder = write_set(tmp_path / 'set', [face_row('a.png', 'train', 4)], [PAINTED])
    options = ReadOptions(GEOMETRY, 0, detector=detector, leave_out_faulty=True)
    with pytest.raises(DataError, match='faulty photographs cannot be left out'):
        read_candidates(folder, options)


def labelled_as(faces, attribute):
    labels = faces.labels[attribute]
    return {labels.classes[index] for index in labels.indices}


def test_a_detector_that_finds_nothing_is_told(tmp_path, detector):
    folder = write_set(tmp_path / 'set', [face_row('a.png', 'train', 4)])
    with pytest.raises(DataError, match='finds nothing in its photographs'):
        candidates(folder, detector)


def test_a_missing_detector_is_named(tmp_path):
    folder = write_set(tmp_path / 'set', [face_row('a.png', 'train', 4)], [PAINTED])
    with pytest.raises(ModelError, match='nowhere'):
        candidates(folder, f'rtcnn={tmp_path / "nowhere"}')


def test_a_detector_is_refused_where_no_photographs_are(tmp_path):
    folder = tmp_path / 'set'
    for name in ('face', 'none'):
        (folder / name).mkdir(parents=True)
        cv2.imwrite(str(folder / name / '0.png'), np.zeros((8, 8), np.uint8))
    table = AttributeData(path=(str(folder),), detector='rtcnn')
    with pytest.raises(DataError, match='a detector is for candidates in photographs, not rtcnn'):
        load.load_splits(DataConfig({'candidate': table}), GEOMETRY)


def test_faulty_annotations_are_refused(tmp_path, detector):
    folder = write_set(tmp_path / 'set', [face_row('a.png', 'train', 4)], [PAINTED])
    (folder / 'annotations.json').write_text(json.dumps([{'file': 'a.png'}]))
    with pytest.raises(DataError, match=r'a\.png'):
        candidates(folder, detector)
