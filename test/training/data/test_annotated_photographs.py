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

from __future__ import annotations

from dataclasses import replace
import json
from pathlib import Path
import shutil

import cv2
from drawn_faces import entry
from drawn_faces import landmarks_of
from drawn_faces import write_photographs
import numpy as np
import pytest
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.photographs import face_pictures
from rtcnn_perception.training.data.photographs import Photograph
from rtcnn_perception.training.data.photographs import read_photographs
from rtcnn_perception.training.tasks.detector.parts import photograph_fingerprints

BOX = [10.5, 20.0, 42.5, 60.0]


def annotate(folder: Path, content):
    """Write the annotations of a folder."""
    folder.mkdir(exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / 'annotations.json').write_text(text)
    return folder


def listed(**changes):
    """Return a list of one photograph with one face; a change to None removes a key."""
    values = {**entry('a.png', 128, [BOX], 'train'), **changes}
    return [{key: value for key, value in values.items() if value is not None}]


def face(**changes):
    return [{'box': BOX, 'score': 0.8, 'landmarks': landmarks_of(BOX).tolist(), **changes}]


def test_a_photograph_without_faces_is_read(tmp_path):
    (found,) = read_photographs(annotate(tmp_path, listed(faces=[])))
    assert found.is_negative
    shapes = (found.boxes.shape, found.scores.shape, found.landmarks.shape, found.ignored.shape)
    assert shapes == ((0, 4), (0,), (0, 5, 2), (0, 4))


def test_a_list_of_photographs_is_read(tmp_path):
    rows = [
        *listed(faces=face(), ignore=[{'box': [0, 0, 5, 5], 'score': 0.3}], hard=1),
        entry('b.png', 64, [], 'val'),
    ]
    first, second = read_photographs(annotate(tmp_path, rows))
    assert (first.path, first.width, first.height) == (tmp_path / 'a.png', 128, 128)
    assert first.boxes.tolist() == [BOX]
    assert first.scores.tolist() == pytest.approx([0.8])
    np.testing.assert_allclose(first.landmarks[0], landmarks_of(BOX), rtol=1e-6)
    assert first.ignored.tolist() == [[0, 0, 5, 5]]
    assert (first.split, second.split) == ('train', 'val')
    assert (first.is_negative, second.is_negative) == (False, True)
    assert first.boxes.dtype == first.landmarks.dtype == np.float32


def test_boxes_of_wider_face_are_read_by_name(tmp_path):
    boxes = [{'box': BOX, 'invalid': 0}, {'box': [0, 0, 9, 9], 'invalid': 1}]
    content = {'a.jpg': {'boxes': boxes}, 'b.jpg': {'boxes': [], 'width': 64, 'height': 32}}
    first, second = read_photographs(annotate(tmp_path, content))
    assert (first.path.name, first.width, first.height) == ('a.jpg', 416, 416)
    assert (first.boxes.tolist(), first.ignored.tolist()) == ([BOX], [[0, 0, 9, 9]])
    assert first.scores.tolist() == [1.0]
    assert np.isnan(first.landmarks).all()
    assert (second.width, second.height, second.is_negative) == (64, 32, True)
    assert first.split == second.split == 'test'


def test_pictures_lie_in_a_folder_of_their_own_where_there_is_one(tmp_path):
    (tmp_path / 'images').mkdir()
    (found,) = read_photographs(annotate(tmp_path, listed()))
    assert found.path == tmp_path / 'images/a.png'


def test_an_ignored_region_alone_makes_a_photograph_no_negative(tmp_path):
    ignore = [{'box': BOX, 'score': 0.3}]
    (found,) = read_photographs(annotate(tmp_path, listed(faces=[], ignore=ignore)))
    assert not found.is_negative


def test_unknown_landmarks_are_read_as_such(tmp_path):
    (found,) = read_photographs(annotate(tmp_path, listed(faces=face(landmarks=[[None] * 2] * 5))))
    assert np.isnan(found.landmarks).all()


def test_a_face_at_the_border_may_reach_beyond_it(tmp_path):
    box = [-20, -30, 20, 30]
    (found,) = read_photographs(annotate(tmp_path, listed(faces=face(box=box))))
    assert found.boxes.tolist() == [box]


def test_nothing_ignored_and_a_face_that_people_marked_need_not_be_said(tmp_path):
    (found,) = read_photographs(annotate(tmp_path, listed(faces=[{'box': BOX}], ignore=None)))
    assert found.scores.tolist() == [1.0]
    assert found.ignored.shape == (0, 4)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError, match=r'cannot read .*annotations\.json: No such file'):
        read_photographs(tmp_path)


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        ('', 'is no JSON'),
        ('[{]', 'is no JSON'),
        ([], 'lists no photograph'),
        ({}, 'lists no photograph'),
        ('3', 'holds a int; expected a list with an entry for each photograph'),
        ('[3]', 'the entry 0 is not as expected'),
        ({'a.jpg': 3}, 'the entry 0 is not as expected'),
        ({'a.jpg': {}}, r"the entry a\.jpg has no 'boxes'; expected, by the name of each file, a"),
        ({'a.jpg': {'boxes': [{'box': BOX}]}}, r"the entry a\.jpg has no 'invalid'; "),
        (listed(file=None), "the entry 0 has no 'file'; "),
        (listed(width=None), r"the entry a\.png has no 'width'; "),
        (listed(height='tall'), r'a\.png is not as expected: .*tall'),
        (listed(faces=None), "has no 'faces'; "),
        (listed(faces=[{'score': 1.0}]), r"the entry a\.png has no 'box'; "),
        (listed(split=None), "has no 'split'; "),
        (listed(faces=3), 'int'),
        (listed(faces=face(box=BOX[:3])), r'a\.png is not as expected'),
        (listed(faces=face(landmarks=[[1, 2]] * 4)), r'a\.png is not as expected'),
        (listed(faces=face(box=['left', 0, 1, 1])), 'left'),
        (listed(split='validation'), r"a\.png is of the split 'validation', not of .*'val'"),
        (listed(faces=face(score=None)), r'a\.png has a score that is no number from 0 to 1'),
        (listed(faces=face(score=95)), 'no number from 0 to 1'),
        (listed(faces=face(score=-0.1)), 'no number from 0 to 1'),
        (listed(faces=face(landmarks=[[1e6, 0]] * 5)), r'a\.png has landmarks .* far from their'),
        (listed(width=float('inf')), 'is not as expected: OverflowError'),
        (listed(width=10**400), 'is not as expected: OverflowError'),
        (
            listed(faces=face(box=[10, 10, 10, 20])),
            r'128x128 pixels, the box .* is not in it; expected x0, y0',
        ),
        (listed(faces=face(box=[20, 10, 10, 20])), 'is not in it'),
        (listed(faces=face(box=[130, 10, 150, 30])), 'is not in it'),
        (listed(faces=face(box=[10, -30, 30, 0])), 'is not in it'),
        (listed(faces=face(box=[None, 10, 20, 20])), 'is not in it'),
        (listed(ignore=[{'box': [0, 200, 5, 210]}]), 'is not in it'),
        (listed(faces=face(box=[10, 10, float('inf'), 20])), 'is not in it'),
        (listed(faces=face(box=[-1e6, -1e6, 1e6, 1e6])), 'is not in it'),
        (listed(faces=[{'box': [0.2, 0.3, 0.5, 0.9]}]), 'expected pixels, and no shares'),
        (listed() + listed(file='./a.png'), r'lists a\.png twice; expected each photograph once'),
        ({'images': [], 'annotations': []}, 'is in the form of COCO; expected a list'),
    ],
)
def test_wrong_annotations_are_refused_in_one_line(tmp_path, content, message):
    annotate(tmp_path, content)
    with pytest.raises(DataError, match=message) as refusal:
        read_photographs(tmp_path)
    assert str(tmp_path / 'annotations.json') in str(refusal.value)
    assert '\n' not in str(refusal.value)


@pytest.mark.parametrize('without', [{}, {'landmarks': None}, {'landmarks': []}])
def test_missing_landmarks_are_unknown(tmp_path, without):
    faces = [{'box': BOX, 'score': 1, **without}]
    (found,) = read_photographs(annotate(tmp_path, listed(faces=faces)))
    assert found.landmarks.shape == (1, 5, 2)
    assert np.isnan(found.landmarks).all()


def photograph_of(path, width=40, height=30):
    (found,) = read_photographs(
        annotate(path.parent, listed(file=path.name, faces=[], width=width, height=height))
    )
    return found


def test_a_picture_is_read_unchanged(tmp_path):
    image = np.random.default_rng(0).integers(0, 256, (30, 40, 3)).astype(np.uint8)
    cv2.imwrite(str(tmp_path / 'a.png'), image)
    assert isinstance(photograph_of(tmp_path / 'a.png'), Photograph)
    np.testing.assert_array_equal(photograph_of(tmp_path / 'a.png').read(), image)


def test_a_gray_picture_is_read_with_three_channels(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.full((30, 40), 7, np.uint8))
    assert (photograph_of(tmp_path / 'a.png').read() == np.full((30, 40, 3), 7)).all()


@pytest.mark.parametrize('content', [b'', b'nothing', b'\xff\xd8\xff\xe0 and nothing else'])
def test_a_damaged_picture_is_refused_by_name(tmp_path, content):
    (tmp_path / 'a.jpg').write_bytes(content)
    with pytest.raises(DataError, match=r'a\.jpg cannot be decoded'):
        photograph_of(tmp_path / 'a.jpg').read()


def test_a_missing_picture_is_refused_by_name(tmp_path):
    with pytest.raises(DataError, match=r'cannot read the picture .*a\.jpg: No such file'):
        photograph_of(tmp_path / 'a.jpg').read()


def test_a_picture_of_another_size_is_refused(tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((30, 40, 3), np.uint8))
    expected = r'a\.png: annotations\.json says 30x40 pixels, the picture has 40x30'
    with pytest.raises(DataError, match=expected):
        photograph_of(tmp_path / 'a.png', width=30, height=40).read()


POINTS = np.float32([[40, 40], [70, 40], [55, 60], [45, 80], [65, 80]])


def face_set(count=2, *, with_landmarks=True):
    return FaceSet(
        pictures=[np.full((112, 112), 100 + index, np.uint8) for index in range(count)],
        boxes=np.tile([[30.0, 20.0, 80.0, 95.0]], (count, 1)),
        names=[f'face {index}' for index in range(count)],
        landmarks=np.tile(POINTS, (count, 1, 1)) if with_landmarks else None,
    )


def test_no_faces_are_no_pictures():
    assert face_pictures(face_set(0)) == []


def test_a_face_becomes_a_photograph_with_its_annotations():
    first, second = face_pictures(face_set())
    assert (second.width, second.height, second.path.name) == (112, 112, 'face 1')
    assert first.boxes.tolist() == [[30, 20, 80, 95]]
    assert first.landmarks.tolist() == [POINTS.tolist()]
    image = second.read()
    assert image.shape == (112, 112, 3)
    assert (image == 101).all()
    assert not first.is_negative


def test_unknown_landmarks_of_a_face_stay_unknown():
    (picture,) = face_pictures(face_set(1, with_landmarks=False))
    assert picture.landmarks.shape == (1, 5, 2)
    assert np.isnan(picture.landmarks).all()


def test_a_crop_without_a_box_is_no_face_for_scenes():
    faces = face_set()
    faces.boxes[1] = (0, 0, 112, 112)
    assert [picture.path.name for picture in face_pictures(faces)] == ['face 0']


def test_photographs_have_the_same_fingerprint_wherever_they_lie(tmp_path):
    write_photographs(tmp_path / 'a', {'train': [1, 2, 0], 'val': [1], 'test': [1]})
    shutil.copytree(tmp_path / 'a', tmp_path / 'b')
    first, other = (read_photographs(tmp_path / name) for name in 'ab')
    found = photograph_fingerprints(first, [])
    assert [found[part].split()[0] for part in ('train', 'val', 'test')] == ['3', '1', '0']
    assert photograph_fingerprints(other[::-1], []) == found


def test_a_changed_annotation_picture_or_part_changes_the_fingerprint(tmp_path):
    photographs = read_photographs(write_photographs(tmp_path / 'a', {'train': [1, 2]}))
    first, second = photographs
    found = photograph_fingerprints(photographs, [])
    for changed in (
        [first],
        [first, replace(second, split='val')],
        [first, replace(second, scores=second.scores * 0.5)],
        [first, replace(second, boxes=second.boxes[:1], ignored=second.boxes[1:])],
        [first, replace(second, path=first.path)],
    ):
        assert photograph_fingerprints(changed, [])['train'] != found['train']
    second.path.unlink()
    with pytest.raises(DataError, match=r'cannot read the picture .*1\.png: No such file'):
        photograph_fingerprints(photographs, [])
