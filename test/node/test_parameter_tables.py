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

"""The parameters of the nodes: their tables, the file that lists them, and what is refused."""

from dataclasses import fields
from pathlib import Path

import pytest
from rcl_interfaces.msg import Log
from rtcnn_perception.core.attributes.card import TAKEN_NAMES
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.tracking.tracker import TrackerConfig
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.nodes.camera_node import CameraNode
from rtcnn_perception.nodes.classifier_node import ClassifierNode
from rtcnn_perception.nodes.detector_node import DetectorNode
from rtcnn_perception.nodes.parameters import TABLES
from rtcnn_perception.nodes.parameters.classifier import ALL
from rtcnn_perception.nodes.parameters.classifier import ClassifierParameters
from rtcnn_perception.nodes.parameters.declaration import build
from rtcnn_perception.nodes.parameters.declaration import ReadAt
from rtcnn_perception.nodes.parameters.declaration import settings_of
from rtcnn_perception.nodes.parameters.declaration import values_of
from rtcnn_perception.nodes.parameters.detector import DetectorGroup
from rtcnn_perception.nodes.parameters.detector import DetectorParameters
from rtcnn_perception.nodes.parameters.detector import TrackerGroup
from rtcnn_perception.nodes.parameters.names import node_name
from rtcnn_perception.nodes.parameters.names import unknown_parameters
import yaml

FILE = Path(__file__).parents[2] / 'config' / 'perception.yaml'
BY_NODE = {node_name(each): each for each in TABLES}
NODES = (CameraNode, DetectorNode, ClassifierNode)


def flatten(tree, prefix=''):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from flatten(value, f'{prefix}{key}.')
        else:
            yield f'{prefix}{key}', tuple(value) if isinstance(value, list) else value


@pytest.mark.parametrize(('node', 'table'), BY_NODE.items())
def test_the_file_lists_every_parameter_and_no_other_with_its_default(node, table):
    listed = dict(flatten(yaml.safe_load(FILE.read_text())[f'/**/{node}']['ros__parameters']))
    defaults = dict(values_of(build(table, {})))
    assert listed == defaults
    assert {name: type(value) for name, value in listed.items()} == {
        name: type(value) for name, value in defaults.items()
    }


def test_the_file_has_a_section_for_each_node_and_no_other():
    assert set(yaml.safe_load(FILE.read_text())) == {f'/**/{node}' for node in BY_NODE}


@pytest.mark.parametrize('table', TABLES)
def test_the_file_explains_every_parameter_as_the_nodes_do(table):
    explained = ' '.join(FILE.read_text().replace('#', ' ').split())
    for _, setting in settings_of(table):
        marks = {ReadAt.CONFIGURATION: '', ReadAt.ALWAYS: ' (live)', ReadAt.START: ' (start)'}
        mark = marks.get(setting.read_at, ' (inactive)')
        bounds = (
            f'; {setting.minimum:.15g} to {setting.maximum:.15g}' if setting.has_bounds else ''
        )
        choices = f'; one of {", ".join(setting.choices)}' if setting.choices else ''
        sentence = f'{setting.full_description}{bounds}{choices}{mark}'
        assert ' '.join(sentence.split()) in explained


def test_the_file_says_how_an_attribute_is_turned_off():
    assert 'neither loaded nor run' in FILE.read_text()


def test_every_default_is_accepted_by_its_own_table():
    for table in TABLES:
        built = dict(values_of(build(table, {})))
        assert built == dict(values_of(table())) | {
            name: '' for name in built if name.endswith('.model_path')
        }


def test_every_number_has_bounds_and_every_parameter_a_description():
    for table in TABLES:
        for name, setting in settings_of(table):
            is_number = type(setting.default) in (int, float)
            assert setting.has_bounds == is_number, name
            assert setting.description, name


def test_every_setting_of_detector_and_tracker_is_a_parameter():
    detector = {name for name, _ in settings_of(DetectorGroup)}
    assert detector == {field.name for field in fields(DetectorConfig)} | {'every_n', 'rotation'}
    tracker = {name for name, _ in settings_of(TrackerGroup)}
    settings = {field.name.removesuffix('_s') for field in fields(TrackerConfig)}
    assert tracker == settings | {'first_id'}


def test_groups_are_built_from_names_with_dots():
    built = build(DetectorParameters, {'detector.min_score': 0.25, 'qos': 'reliable'})
    assert (built.detector.min_score, built.qos) == (0.25, 'reliable')


@pytest.mark.parametrize(
    ('name', 'value', 'expected'),
    [
        (
            'detector.min_score',
            1.5,
            r'min_score of node faces_detector must be a number such as 1.0 in \[0, 1\], got 1.5$',
        ),
        ('detector.min_score', 1, r'detector.min_score.*a number such as 1.0 in \[0, 1\]'),
        ('detector.every_n', 0, r'detector.every_n.*a whole number in \[1, 100\]'),
        (
            'detector.rotation',
            45,
            'parameter detector.rotation must be one of 0, 90, 180, 270, got 45$',
        ),
        ('detector.width', 31, 'parameter detector.width must be 0, or 32 and more, got 31$'),
        (
            'detector.name',
            'sonar',
            "detector.name.*must be one of auto, rtcnn, yunet, haar.*, got 'sonar'$",
        ),
        ('qos', 'best', "qos.*one of auto, sensor_data, reliable.*'best'"),
        ('autostart', 'yes', 'autostart.*true or false'),
    ],
)
def test_a_node_refuses_a_parameter_out_of_bounds_with_its_name(bench, name, value, expected):
    with pytest.raises(ConfigurationError, match=expected):
        bench.add(DetectorNode, parameters={name: value})


def test_a_parameter_is_described_with_unit_bounds_and_whether_it_is_live(bench):
    node = bench.add(CameraNode)
    described = node.describe_parameter('source_rate')
    assert described.description == 'frame rate at which a file is played; 0 for its own [Hz]'
    assert (described.floating_point_range[0].from_value, described.read_only) == (0.0, False)
    assert node.describe_parameter('qos').additional_constraints == (
        'one of auto, sensor_data, reliable'
    )
    assert not node.describe_parameter('qos').read_only
    assert node.describe_parameter('autostart').read_only


def with_file(bench, kind, path, **arguments):
    """Make a node that is given a parameter file on its command line."""
    return bench.add(kind, cli_args=['--ros-args', '--params-file', str(path)], **arguments)


def unknown_in(node):
    return list(unknown_parameters(node, TABLES))


@pytest.mark.parametrize('kind', NODES)
@pytest.mark.parametrize('namespace', ['', 'robot1/head'])
def test_the_installed_file_is_read_in_any_namespace(bench, kind, namespace, tmp_path):
    changed = tmp_path / 'mine.yaml'
    changed.write_text(
        FILE.read_text().replace('latency_limit_ms: 150.0', 'latency_limit_ms: 7.5')
    )
    node = with_file(bench, kind, changed, namespace=namespace)
    assert node.parameters.latency_limit_ms == 7.5
    assert unknown_in(node) == []


@pytest.mark.parametrize('kind', NODES)
def test_one_section_for_all_nodes_serves_each(bench, kind, tmp_path):
    path = tmp_path / 'all.yaml'
    path.write_text(
        '/**:\n  ros__parameters:\n    latency_limit_ms: 7.5\n    detector.width: 160\n'
        '    attributes: [hat]\n    hat.model_path: /hats\n'
    )
    node = with_file(bench, kind, path)
    assert node.parameters.latency_limit_ms == 7.5
    assert unknown_in(node) == []


def test_an_unknown_parameter_causes_a_warning_with_the_closest_known_name(bench):
    given = {'detector.min_scor': 0.5, 'colour': 'red', 'use_sim_time': False}
    logged = bench.subscribe(Log, '/rosout', 100)
    expected = [
        'there is no parameter detector.min_scor, its value is not used; '
        'is detector.min_score meant?',
        'there is no parameter colour, its value is not used',
    ]
    assert unknown_in(bench.add(DetectorNode, parameters=given)) == expected
    bench.spin_until(lambda: set(expected) <= {msg.msg for msg in logged}, 'the warnings')


def attributes_of(bench, *arguments):
    """Return the attributes and model paths of a classifier node with a command line."""
    node = bench.add(ClassifierNode, cli_args=['--ros-args', *arguments])
    return node.parameters.attributes, node.parameters.model_paths


def test_attributes_keep_their_order_from_command_line_and_file(bench, tmp_path):
    path = tmp_path / 'mine.yaml'
    path.write_text(
        '/**:\n  ros__parameters:\n    attributes: [hat, age, emotion]\n'
        '    hat: {model_path: /hats}\n    gender: {model_path: /genders}\n'
    )
    expected = (('hat', 'age', 'emotion'), {'hat': '/hats', 'age': '', 'emotion': ''})
    assert attributes_of(bench, '--params-file', str(path)) == expected
    line = ('-p', 'attributes:=[hat, age, emotion]', '-p', 'hat.model_path:=/hats')
    assert attributes_of(bench, *line) == expected
    assert attributes_of(bench) == (('emotion', 'gender'), {'emotion': '', 'gender': ''})


@pytest.mark.parametrize('text', ['[]', "['']"])
def test_an_empty_list_means_no_attribute_on_command_line_and_in_a_file(bench, tmp_path, text):
    assert attributes_of(bench, '-p', f'attributes:={text}') == ((), {})
    path = tmp_path / 'mine.yaml'
    path.write_text(FILE.read_text().replace("['emotion', 'gender']", text))
    assert attributes_of(bench, '--params-file', str(path)) == ((), {})


def test_a_model_path_is_declared_for_each_attribute_and_ignored_for_others(bench):
    given = {'attributes': ['hat'], 'hat.model_path': '/hats', 'emotion.model_path': '/emotions'}
    node = bench.add(ClassifierNode, parameters=given)
    assert node.get_parameter('hat.model_path').value == '/hats'
    assert not node.has_parameter('emotion.model_path')
    assert unknown_in(node) == []


def test_former_and_misspelt_names_of_the_classifier_cause_a_warning(bench):
    given = {'attribute': 'hat', 'emotion.enabled': False, 'saliency.task': 'gender'}
    assert unknown_in(bench.add(ClassifierNode, parameters=given)) == [
        'there is no parameter attribute, its value is not used; is attributes meant?',
        'there is no parameter emotion.enabled, its value is not used',
        'there is no parameter saliency.task, its value is not used; is saliency.target meant?',
    ]


def test_names_that_no_attribute_may_have_are_refused(bench):
    assert {ALL, *(field.name for field in fields(ClassifierParameters))} == TAKEN_NAMES
    bad = ('Emotion', '1st', '_hat', 'top hat', 'hat.size', 'hüte', 'hat-size', ' ')
    for name in (*bad, *TAKEN_NAMES):
        with pytest.raises(ConfigurationError, match='lower case letters, digits') as refused:
            build(ClassifierParameters, {'attributes': ['emotion', name]})
        assert str(refused.value).endswith(f'got {name!r}')
    with pytest.raises(
        ConfigurationError, match=r"and none of all, annotation, .*got 'saliency'$"
    ):
        bench.add(ClassifierNode, parameters={'attributes': ['saliency']})


def test_attributes_that_are_named_twice_are_refused(bench):
    with pytest.raises(ConfigurationError, match=r'different names, got hat, age, hat$'):
        bench.add(ClassifierNode, parameters={'attributes': ['hat', 'age', 'hat']})


def test_attributes_that_are_no_list_are_refused(bench):
    expected = (
        r"attributes of node faces_classifier must be a list of texts, or \[''\] for none, got "
    )
    for text, came in (('emotion', "'emotion'"), ("''", "''"), ('[1, 2]', r'.*\[1, 2\]')):
        with pytest.raises(ConfigurationError, match=f'{expected}{came}'):
            attributes_of(bench, '-p', f'attributes:={text}')
    with pytest.raises(ConfigurationError, match=rf'{expected}\[\]$'):
        bench.add(ClassifierNode, parameters={'attributes': []})
