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

from bright_faces import bright_faces
from bright_faces import SHADES
from lively_networks import labelled
from lively_networks import save
import numpy as np
import pytest
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.data.batches import Batch
from rtcnn_perception.training.data.batches import cut_faces
from rtcnn_perception.training.data.batches import to_input
from rtcnn_perception.training.data.classes import UnknownClassError
from rtcnn_perception.training.engine.teachers import DistillationConfig
from rtcnn_perception.training.engine.teachers import TeacherConfig
from rtcnn_perception.training.engine.teachers import Teachers
import torch

CLASSES = {'shade': SHADES}


@pytest.fixture
def write(tmp_path):
    """Return a function that writes the checkpoint of a teacher and returns its path."""

    def write(name, classes=CLASSES, *, architecture='tiny_xception', seed=0, margin=0.0):
        source = labelled(architecture, classes, seed=seed, crop=CropGeometry(margin))
        return str(save(source, tmp_path / f'{name}.pt'))

    return write


def teachers(*teaching, classes=CLASSES, **options):
    given = tuple(t if isinstance(t, TeacherConfig) else TeacherConfig(t) for t in teaching)
    config = DistillationConfig(share=0.5, teachers=given, **options)
    return Teachers(config, 'cpu', classes)


def batch_of(pixels, indices=None):
    chosen = np.arange(len(pixels)) if indices is None else np.array(indices)
    return Batch(pixels, {}, {}, chosen)


def pixels_of(count=3, side=64):
    generator = torch.Generator().manual_seed(0)
    return torch.rand(count, 1, side, side, generator=generator) * 2 - 1


def test_without_teachers_there_are_no_soft_targets():
    assert (
        Teachers(DistillationConfig(), 'cpu', CLASSES).soft_targets(batch_of(pixels_of()), 0) == {}
    )


@pytest.mark.parametrize('side', [48, 64])
def test_a_teacher_gets_faces_of_its_own_size(write, side):
    found = teachers(write('a')).soft_targets(batch_of(pixels_of(side=side)), 0)
    torch.testing.assert_close(found['shade'].sum(1), torch.ones(3))


def test_a_teacher_with_its_classes_in_another_order_teaches_the_same(write):
    path = write('a')
    found = teachers(path).soft_targets(batch_of(pixels_of()), 0)['shade']
    flipped = teachers(path, classes={'shade': SHADES[::-1]})
    assert torch.equal(flipped.soft_targets(batch_of(pixels_of()), 0)['shade'], found.flip(1))


def test_a_higher_temperature_softens_the_targets(write):
    path = write('a')
    sharp, soft = (
        teachers(path, temperature=t).soft_targets(batch_of(pixels_of()), 0)['shade']
        for t in (1.0, 8.0)
    )
    assert (soft.max(1).values < sharp.max(1).values).all()


def test_with_mirror_a_face_and_its_mirror_image_have_the_same_targets(write):
    path, pixels = write('a'), pixels_of()
    mirrored = teachers(path, mirror=True)
    found, flipped = (
        mirrored.soft_targets(batch_of(p), 0)['shade'] for p in (pixels, pixels.flip(3))
    )
    torch.testing.assert_close(found, flipped)
    assert (teachers(path).soft_targets(batch_of(pixels), 0)['shade'] != found).any()


def test_several_teachers_count_by_their_weights(write):
    first, second = write('a', seed=1), write('b', seed=2)
    one, other = (
        teachers(path).soft_targets(batch_of(pixels_of()), 0)['shade'] for path in (first, second)
    )
    both = teachers(TeacherConfig(first, 3.0), second).soft_targets(batch_of(pixels_of()), 0)
    torch.testing.assert_close(both['shade'], 0.75 * one + 0.25 * other)


def test_each_attribute_has_its_own_teachers(write):
    classes = {**CLASSES, 'mood': ('happy', 'sad')}
    both, other = write('a', classes, seed=1), write('b', classes, seed=2)
    found = teachers(TeacherConfig(both, attributes=('mood',)), other, classes=classes)
    expected = teachers(other, classes=classes)
    moods = teachers(both, other, classes=classes)
    found, expected, moods = (
        each.soft_targets(batch_of(pixels_of()), 0) for each in (found, expected, moods)
    )
    assert torch.equal(found['shade'], expected['shade'])
    assert torch.equal(found['mood'], moods['mood'])


def test_a_teacher_of_one_attribute_leaves_the_others_without_soft_targets(write):
    classes = {**CLASSES, 'mood': ('happy', 'sad')}
    found = teachers(write('a'), classes=classes).soft_targets(batch_of(pixels_of()), 0)
    assert set(found) == {'shade'}


def test_a_teacher_of_other_attributes_is_refused(write):
    path = write('a')
    expected = 'must classify mood, which the network learns: it classifies shade, the network'
    with pytest.raises(ConfigurationError, match=expected):
        teachers(path, classes={'mood': ('happy', 'sad')})
    with pytest.raises(ConfigurationError, match='must classify mood, which the network learns'):
        teachers(TeacherConfig(path, attributes=('shade', 'mood')))


def test_a_teacher_without_a_class_is_refused_by_name(write):
    with pytest.raises(UnknownClassError, match=r"shade of the teacher .* has no class 'gray'"):
        teachers(write('a'), classes={'shade': ('dark', 'gray')})


def counted(found):
    """Return a list that notes every batch of pixels that teachers are given."""
    noted = []
    for teacher in found.teachers:
        network, forward = teacher.source.network, teacher.source.network.forward
        network.forward = lambda x, f=forward: noted.append(x) or f(x)
    return noted


def test_with_rounds_soft_targets_are_kept_for_the_same_batch_of_a_round(write):
    found = teachers(write('a'), rounds=2)
    noted = counted(found)
    first, again = (found.soft_targets(batch_of(pixels_of()), 0)['shade'] for _ in range(2))
    assert torch.equal(first, again)
    assert len(noted) == 1
    found.soft_targets(batch_of(pixels_of()), 1)
    found.soft_targets(batch_of(pixels_of(), [2, 1, 0]), 0)
    assert len(noted) == 3


def test_without_rounds_every_batch_is_predicted(write):
    found = teachers(write('a'))
    noted = counted(found)
    for _ in range(2):
        found.soft_targets(batch_of(pixels_of()), 0)
    assert len(noted) == 2


def test_teachers_that_run_once_get_the_crop_that_they_are_made_for(write):
    faces, crops = bright_faces(5), (CropGeometry(0.0), CropGeometry(0.25))
    paths = [write(f'{crop.margin}', margin=crop.margin) for crop in crops]
    found = teachers(*paths, once=True)
    noted = counted(found)
    found.run_once(faces)
    for crop, pixels in zip(crops, noted, strict=True):
        assert torch.equal(pixels, to_input(cut_faces(faces, crop, (64, 64), np.arange(5))))
    expected = teachers(*paths)._mean(
        [
            teacher.predict(pixels, found.config)
            for teacher, pixels in zip(found.teachers, noted[:2], strict=True)
        ]
    )['shade']
    given = found.soft_targets(batch_of(pixels_of(2), [4, 1]), 0)['shade']
    assert torch.equal(given, expected[[4, 1]])
    assert len(noted) == 4  # none for the batch


@pytest.mark.parametrize(
    ('values', 'message'),
    [
        ({'share': 2.0}, r'share must be in \[0, 1\]'),
        ({'share': 0.5}, 'teachers and a share above 0 go together, got 0 teachers and .* 0.5'),
        ({'teachers': (TeacherConfig('a'),)}, 'got 1 teachers and the share 0'),
        ({'once': True}, 'rounds and once are about teachers'),
    ],
)
def test_settings_without_effect_are_refused(values, message):
    with pytest.raises(ValueError, match=message):
        DistillationConfig(**values)
