import argparse
from pathlib import Path

import cv2
import numpy as np
import pytest
from rtcnn_perception.commands import run
from rtcnn_perception.commands.run_plan import make_plan
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import SourceError


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


def test_the_builtin_clip_is_shown_for_ten_seconds():
    found = plan()
    assert found.parameters == {'source': 'builtin', 'source_loop': False}
    assert (found.duration, found.expected) == (10.0, 10.0)


@pytest.mark.parametrize(
    ('duration', 'expected'), [('0', (None, None)), ('0.5', (0.5, 0.5)), ('60', (60.0, 60.0))]
)
def test_the_duration_may_be_given(duration, expected):
    found = plan('--duration', duration)
    assert (found.duration, found.expected) == expected


@pytest.mark.parametrize('duration', ['-1', 'nan', 'inf', 'long'])
def test_a_duration_that_makes_no_sense_is_wrong_usage(duration):
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
def test_a_video_is_played_to_its_end_unless_it_is_to_end_before(tmp_path, words, expected):
    path = write_video(tmp_path / 'clip.mp4')
    found = plan('--source', str(path), *words)
    assert found.parameters == {'source': str(path), 'source_loop': False}
    assert (found.duration, found.expected) == pytest.approx(expected)


def test_a_picture_is_shown_long_enough_for_faces_to_settle(tmp_path):
    found = plan('--source', str(write_picture(tmp_path / 'a.png')))
    assert found.duration == 3.0
    assert found.parameters['tracker.max_coast_s'] == 0.0, 'who is not seen there is not there'


def test_a_folder_is_shown_to_its_end(tmp_path):
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
    ('topic', 'remappings', 'transport'),
    [
        ('/camera/image_raw', {'image_raw': '/camera/image_raw'}, None),
        (
            '/camera/image_raw/compressed',
            {'image_raw/compressed': '/camera/image_raw/compressed'},
            'compressed',
        ),
    ],
)
def test_a_topic_is_subscribed_to(topic, remappings, transport):
    found = plan('--source', f'topic:{topic}')
    assert found.remappings == remappings
    assert found.parameters['source'] == ''
    assert found.parameters.get('image_transport') == transport


def test_a_topic_without_a_name_is_refused():
    with pytest.raises(SourceError, match='no topic is named'):
        plan('--source', 'topic:')


def test_detector_and_its_file_become_parameters():
    found = plan('--detector', 'haar', '--detector-model', 'cascade.xml')
    assert found.parameters['detector.name'] == 'haar'
    assert found.parameters['detector.model_path'] == 'cascade.xml'


@pytest.mark.parametrize('attribute', ['emotion', 'gender'])
def test_either_attribute_can_be_turned_off(attribute):
    assert plan(f'--no-{attribute}').parameters[f'{attribute}.enabled'] is False


@pytest.mark.parametrize('name', ['nowhere', 'x' * 300])
def test_a_parameter_file_that_is_not_there_is_named(name):
    with pytest.raises(ConfigurationError, match=rf'there is no parameter file {name}\.yaml'):
        plan('--params', f'{name}.yaml')


@pytest.mark.parametrize(
    'topic', ['/camera/image raw', '/camera/', 'a//b', '/1a', 'image-raw', '/a__b', '/', '~', '/ä']
)
def test_what_is_no_name_of_a_topic_is_refused(topic):
    with pytest.raises(SourceError, match='is no name of a topic') as error:
        plan('--source', f'topic:{topic}')
    assert repr(topic) in str(error.value)


@pytest.mark.parametrize('topic', ['image', '/_a/b_', '~/image', '/robot1/camera_2/image'])
def test_whatever_ros_takes_is_a_name_of_a_topic(topic):
    assert plan('--source', f'topic:{topic}').remappings == {'image_raw': topic}


def write_parameters(path: Path, source: str, node: str = '/**/camera') -> Path:
    path.write_text(f'{node}:\n  ros__parameters:\n    source: {source}\n')
    return path


@pytest.mark.usefixtures('own_ros')
class TestParameterFile:
    """What a parameter file says of the source."""

    def test_its_source_is_used_where_none_is_given(self, tmp_path):
        picture = write_picture(tmp_path / 'a.png')
        path = write_parameters(tmp_path / 'p.yaml', str(picture))
        found = plan('--params', str(path))
        assert found.source == str(picture)
        assert found.parameters['source'] == str(picture)
        assert found.duration == 3.0, 'as for any picture'

    def test_a_source_that_is_given_comes_before_its(self, tmp_path):
        path = write_parameters(tmp_path / 'p.yaml', 'nowhere.mp4')
        assert plan('--params', str(path), '--source', 'builtin').source == 'builtin'

    @pytest.mark.parametrize(
        ('source', 'node'), [("''", '/**/camera'), ('nowhere.mp4', '/**/detector')]
    )
    def test_one_that_names_no_source_leaves_it_at_the_builtin_clip(self, tmp_path, source, node):
        path = write_parameters(tmp_path / 'p.yaml', source, node)
        assert plan('--params', str(path)).source == 'builtin'

    def test_a_source_that_is_no_text_is_refused(self, tmp_path):
        path = write_parameters(tmp_path / 'p.yaml', '5')
        with pytest.raises(ConfigurationError, match='is to be a text, got 5'):
            plan('--params', str(path))
