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

import argparse
from pathlib import Path

import cv2
import numpy as np
import pytest
from rtcnn_perception.commands import run
from rtcnn_perception.commands.running.plan import make_plan
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import SourceError
from source_files import replace_properties


def parse(*words):
    parser = argparse.ArgumentParser()
    run.configure(parser)
    return parser.parse_args(words)


def plan(*words):
    return make_plan(parse(*words))


def write_picture(path: Path) -> Path:
    cv2.imwrite(str(path), np.zeros((48, 64, 3), np.uint8))
    return path


def write_video(path: Path, frames: int = 50, fps: float = 25.0) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), fps, (64, 48))
    for _ in range(frames):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    return path


def test_the_builtin_clip_is_played_for_ten_seconds():
    found = plan()
    assert found.parameters == {'source': 'builtin', 'source_loop': False}
    assert (found.duration, found.expected) == (10.0, 10.0)


def test_a_field_of_view_is_passed_on():
    assert plan('--horizontal-fov', '62.5').parameters['pose.horizontal_fov'] == 62.5
    assert 'pose.horizontal_fov' not in plan().parameters


@pytest.mark.parametrize(
    ('duration', 'expected'), [('0', (None, None)), ('0.5', (0.5, 0.5)), ('60', (60.0, 60.0))]
)
def test_the_duration_can_be_set(duration, expected):
    found = plan('--duration', duration)
    assert (found.duration, found.expected) == expected


@pytest.mark.parametrize('duration', ['-1', 'nan', 'inf', 'long'])
def test_an_impossible_duration_is_wrong_usage(duration):
    with pytest.raises(SystemExit) as stop:
        parse('--duration', duration)
    assert stop.value.code == 2


@pytest.mark.parametrize(
    ('words', 'expected'),
    [
        ((), (None, 2.0)),
        (('--duration', '0'), (None, 2.0)),
        (('--duration', '1'), (1.0, 1.0)),
        (('--duration', '10'), (10.0, 2.0)),
    ],
)
def test_a_video_is_played_to_its_end_or_for_the_duration(tmp_path, words, expected):
    path = write_video(tmp_path / 'clip.mp4')
    found = plan('--source', str(path), *words)
    assert found.parameters == {'source': str(path), 'source_loop': False}
    assert (found.duration, found.expected) == pytest.approx(expected)


def test_a_video_of_unknown_length_is_no_picture_and_played_to_its_end(tmp_path, monkeypatch):
    path = write_video(tmp_path / 'clip.mp4')
    replace_properties(
        monkeypatch, lambda prop: -1.0 if prop == cv2.CAP_PROP_FRAME_COUNT else None
    )
    found = plan('--source', str(path))
    assert (found.duration, found.expected) == (None, None)
    assert 'tracker.max_coast' not in found.parameters


def test_a_picture_is_played_long_enough_for_tracks_to_settle(tmp_path):
    found = plan('--source', str(write_picture(tmp_path / 'a.png')))
    assert found.duration == 3.0
    assert found.parameters['tracker.max_coast'] == 0.0, 'nothing moves in a picture'


def test_a_folder_is_played_to_its_end(tmp_path):
    for name in ('a.png', 'b.png'):
        write_picture(tmp_path / name)
    found = plan('--source', str(tmp_path))
    assert found.duration is None
    assert found.expected == pytest.approx(2.1), 'two pictures and a dark frame between'


def test_a_camera_is_not_opened_twice():
    found = plan('--source', '/dev/video987')
    assert found.parameters['source'] == '/dev/video987'
    assert found.duration == 10.0


@pytest.mark.parametrize(
    ('topic', 'images', 'transport'),
    [
        ('/camera/image_raw', '/camera/image_raw', None),
        # What belongs to the images, such as the camera's intrinsics, moves with them.
        ('/camera/image_raw/compressed', '/camera/image_raw', 'compressed'),
        ('/compressed', '/compressed', None),
    ],
)
def test_a_topic_is_subscribed_to(topic, images, transport):
    found = plan('--source', f'topic:{topic}')
    assert found.remappings == {'image_raw': images}
    assert found.parameters['source'] == ''
    assert found.parameters.get('image_transport') == transport


def test_a_topic_without_a_name_is_refused():
    with pytest.raises(SourceError, match='no topic is named'):
        plan('--source', 'topic:')


@pytest.mark.parametrize(
    ('text', 'name', 'model'),
    [
        ('haar', 'haar', ''),
        ('haar=cascade.xml', 'haar', 'cascade.xml'),
        ('auto=models/face', 'auto', 'models/face'),
    ],
)
def test_a_detector_and_its_model_become_parameters(text, name, model):
    found = plan('--detector', text)
    assert found.parameters['detector.name'] == name
    assert found.parameters['detector.model_path'] == model


def test_an_unknown_detector_is_refused_naming_those_that_exist():
    with pytest.raises(ConfigurationError) as refused:
        plan('--detector', 'eyes=model.onnx')
    assert str(refused.value).startswith('expected a detector among auto, rtcnn, yunet, haar')
    assert str(refused.value).endswith(", got 'eyes'")


@pytest.mark.parametrize(
    ('text', 'names'),
    [
        ('gender', ('gender',)),
        ('age, emotion', ('age', 'emotion')),
        ('emotion,', ('emotion',)),
        ('', ()),
    ],
)
def test_the_attributes_become_a_parameter(text, names):
    assert plan('--attributes', text).parameters['attributes'] == names


def test_without_options_detector_and_attributes_are_left_to_the_parameters():
    assert not {'attributes', 'detector.name', 'detector.model_path'} & plan().parameters.keys()


@pytest.mark.parametrize('name', ['nowhere', 'x' * 300])
def test_a_missing_parameter_file_is_refused_by_name(name):
    with pytest.raises(ConfigurationError, match=rf'there is no parameter file {name}\.yaml'):
        plan('--params', f'{name}.yaml')


def test_a_text_that_is_no_topic_name_is_refused():
    others = ('/camera/', 'a//b', '/1a', 'image-raw', '/a__b', '/', '~', '/ä')
    for topic in ('/camera/image raw', *others):
        with pytest.raises(SourceError, match='is no topic name') as error:
            plan('--source', f'topic:{topic}')
        assert repr(topic) in str(error.value)


def test_every_name_that_ros_takes_is_a_topic_name():
    for topic in ('image', '/_a/b_', '~/image', '/robot1/camera_2/image'):
        assert plan('--source', f'topic:{topic}').remappings == {'image_raw': topic}


def write_parameters(path: Path, source: str, node: str = '/**/faces_camera') -> Path:
    path.write_text(f'{node}:\n  ros__parameters:\n    source: {source}\n')
    return path


@pytest.mark.usefixtures('own_ros')
class TestParameterFile:
    """The source in a parameter file."""

    def test_its_source_is_used_where_no_option_names_one(self, tmp_path):
        picture = write_picture(tmp_path / 'a.png')
        path = write_parameters(tmp_path / 'p.yaml', str(picture))
        found = plan('--params', str(path))
        assert found.source == str(picture)
        assert found.parameters['source'] == str(picture)
        assert found.duration == 3.0, 'as for any picture'

    def test_the_option_has_priority_over_its_source(self, tmp_path):
        path = write_parameters(tmp_path / 'p.yaml', 'nowhere.mp4')
        assert plan('--params', str(path), '--source', 'builtin').source == 'builtin'

    @pytest.mark.parametrize(
        ('source', 'node'), [("''", '/**/faces_camera'), ('nowhere.mp4', '/**/faces_detector')]
    )
    def test_without_a_source_in_it_the_builtin_clip_is_played(self, tmp_path, source, node):
        path = write_parameters(tmp_path / 'p.yaml', source, node)
        assert plan('--params', str(path)).source == 'builtin'

    def test_a_source_that_is_no_text_is_refused(self, tmp_path):
        path = write_parameters(tmp_path / 'p.yaml', '5')
        with pytest.raises(ConfigurationError, match='must be a text, got 5'):
            plan('--params', str(path))
