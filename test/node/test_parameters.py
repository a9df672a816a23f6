"""Parameters: what ROS refuses, what changes live, and the file that lists them."""

from dataclasses import fields
from pathlib import Path

import pytest

pytest.importorskip('rclpy')

from rclpy.parameter import Parameter
from rtcnn_perception.core.tracking.tracker import TrackerConfig
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.nodes.camera_node import CameraNode
from rtcnn_perception.nodes.classifier_node import ClassifierNode
from rtcnn_perception.nodes.detector_node import DetectorNode
from rtcnn_perception.nodes.parameters import tables as parameters
from rtcnn_perception.nodes.parameters.declaration import build
from rtcnn_perception.nodes.parameters.declaration import misspelt
from rtcnn_perception.nodes.parameters.declaration import Setting
from rtcnn_perception.nodes.parameters.declaration import settings_of
from rtcnn_perception.nodes.parameters.declaration import values_of
from rtcnn_perception.nodes.parameters.tables import DetectorParameters
from rtcnn_perception.nodes.parameters.tables import TrackerGroup
import yaml

FILE = Path(__file__).parents[2] / 'config' / 'perception.yaml'
TABLES = dict(zip(('camera', 'detector', 'classifier'), parameters.TABLES, strict=True))
NODES = (CameraNode, DetectorNode, ClassifierNode)


def flatten(tree, prefix=''):
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from flatten(value, f'{prefix}{key}.')
        else:
            yield f'{prefix}{key}', value


@pytest.mark.parametrize(('node', 'table'), TABLES.items())
def test_the_file_lists_every_parameter_and_no_other_with_its_default(node, table):
    listed = dict(flatten(yaml.safe_load(FILE.read_text())[f'/**/{node}']['ros__parameters']))
    defaults = {name: setting.default for name, setting in settings_of(table)}
    assert listed == defaults
    assert {name: type(value) for name, value in listed.items()} == {
        name: type(value) for name, value in defaults.items()
    }


def test_the_file_is_about_the_three_nodes_alone():
    assert set(yaml.safe_load(FILE.read_text())) == {f'/**/{node}' for node in TABLES}


@pytest.mark.parametrize('table', TABLES.values())
def test_the_file_explains_every_parameter_as_the_nodes_do(table):
    explained = ' '.join(FILE.read_text().replace('#', ' ').split())
    for _, setting in settings_of(table):
        live = ' (live)' if setting.is_live else ''
        bounds = f'; {setting.minimum:g} to {setting.maximum:g}' if setting.has_bounds else ''
        choices = f'; one of {", ".join(setting.choices)}' if setting.choices else ''
        sentence = f'{setting.full_description}{bounds}{choices}{live}'
        assert ' '.join(sentence.split()) in explained


@pytest.mark.parametrize(
    ('setting', 'refused', 'expected'),
    [
        (Setting(True, ''), [1, 'true', None], 'true or false'),
        (Setting(3, '', minimum=1, maximum=5), [0, 6, 3.0, True], 'a whole number in [1, 5]'),
        (Setting(0.5, ''), [float('nan'), float('inf'), 1], 'a number such as 1.0'),
        (Setting(0.5, '', minimum=0, maximum=1), [-0.1, 1.1], 'a number such as 1.0 in [0, 1]'),
        (Setting('a', '', choices=('a', 'b')), ['', 'c', 1], 'one of a, b'),
        (Setting('', ''), [1, None], 'text'),
    ],
)
def test_a_setting_takes_its_default_and_refuses_what_is_out_of_bounds(setting, refused, expected):
    assert setting.accepts(setting.default)
    assert [value for value in refused if setting.accepts(value)] == []
    assert setting.expected == expected


def test_every_default_is_within_its_own_bounds():
    for table in TABLES.values():
        assert dict(values_of(build(table, {}))) == {
            name: setting.default for name, setting in settings_of(table)
        }


def test_every_number_has_bounds_and_every_parameter_a_meaning():
    for table in TABLES.values():
        for name, setting in settings_of(table):
            is_number = type(setting.default) in (int, float)
            assert setting.has_bounds == is_number, name
            assert setting.description, name


def test_groups_are_built_from_names_with_dots():
    built = build(DetectorParameters, {'detector.min_score': 0.25, 'qos': 'reliable'})
    assert (built.detector.min_score, built.qos) == (0.25, 'reliable')


@pytest.mark.parametrize(
    ('name', 'value', 'expected'),
    [
        (
            'detector.min_score',
            1.5,
            r'min_score of node detector must be a number such as 1.0 in \[0, 1\], got 1.5$',
        ),
        ('detector.min_score', 1, r'detector.min_score.*a number such as 1.0 in \[0, 1\]'),
        ('detector.every_n', 0, r'detector.every_n.*a whole number in \[1, 100\]'),
        ('detector.width', 31, 'parameter detector.width must be 0, or 32 and more, got 31$'),
        (
            'detector.name',
            'sonar',
            "detector.name.*must be one of auto, rtcnn, yunet, haar, got 'sonar'$",
        ),
        ('qos', 'best', "qos.*one of auto, sensor_data, reliable.*'best'"),
        ('autostart', 'yes', 'autostart.*true or false'),
    ],
)
def test_a_node_refuses_a_parameter_out_of_bounds_naming_it(bench, name, value, expected):
    with pytest.raises(ConfigurationError, match=expected):
        bench.add(DetectorNode, parameters={name: value})


def test_a_parameter_is_described_with_unit_bounds_and_whether_it_changes(bench):
    node = bench.add(CameraNode)
    described = node.describe_parameter('source_rate')
    assert (
        described.description == 'frames per second at which a file is played; 0 for its own [Hz]'
    )
    assert (described.floating_point_range[0].from_value, described.read_only) == (0.0, False)
    assert node.describe_parameter('qos').additional_constraints == (
        'one of auto, sensor_data, reliable'
    )
    assert node.describe_parameter('qos').read_only


def test_a_threshold_changes_while_the_node_is_there(bench):
    node = bench.add(DetectorNode)
    assert node.set_parameters([Parameter('detector.min_score', value=0.75)])[0].successful
    assert node.parameters.detector.min_score == 0.75
    assert node.get_parameter('detector.min_score').value == 0.75


@pytest.mark.parametrize(
    ('name', 'value', 'reason'),
    [
        ('detector.min_score', 2.0, 'detector.min_score'),
        ('detector.min_score', 'high', 'type'),
        ('detector.width', 640, 'read-only'),
        ('qos', 'reliable', 'read-only'),
    ],
)
def test_a_change_that_cannot_be_made_is_refused_with_the_reason(bench, name, value, reason):
    node = bench.add(DetectorNode)
    before = node.parameters
    result = node.set_parameters([Parameter(name, value=value)])[0]
    assert not result.successful
    assert reason in result.reason
    assert node.parameters == before


def test_parameters_of_others_pass(bench):
    node = bench.add(CameraNode)
    assert node.set_parameters([Parameter('use_sim_time', value=True)])[0].successful


def test_every_setting_of_the_tracker_is_a_parameter():
    names = {field.name for field in fields(TrackerConfig)}
    assert {name for name, _ in settings_of(TrackerGroup)} == names


def with_file(bench, kind, path, **arguments):
    """Make a node that is given a file of parameters on its command line."""
    return bench.add(kind, cli_args=['--ros-args', '--params-file', str(path)], **arguments)


@pytest.mark.parametrize('kind', NODES)
@pytest.mark.parametrize('namespace', ['', 'robot1/head'])
def test_the_file_that_is_installed_is_read_in_any_namespace(bench, kind, namespace, tmp_path):
    changed = tmp_path / 'mine.yaml'
    changed.write_text(
        FILE.read_text().replace('latency_limit_ms: 150.0', 'latency_limit_ms: 7.5')
    )
    assert with_file(bench, kind, changed, namespace=namespace).parameters.latency_limit_ms == 7.5


@pytest.mark.parametrize('kind', NODES)
def test_one_section_for_all_nodes_serves_each(bench, kind, tmp_path):
    path = tmp_path / 'all.yaml'
    path.write_text('/**:\n  ros__parameters: {latency_limit_ms: 7.5, detector.width: 160}\n')
    node = with_file(bench, kind, path)
    assert node.parameters.latency_limit_ms == 7.5
    assert misspelt_in(node) == []


def misspelt_in(node):
    return list(
        misspelt(node, {name for each in parameters.TABLES for name, _ in settings_of(each)})
    )


def test_a_name_that_no_node_knows_is_warned_of_with_the_one_that_is_meant(bench):
    given = {'detector.min_scor': 0.5, 'colour': 'red', 'use_sim_time': False}
    assert misspelt_in(bench.add(DetectorNode, parameters=given)) == [
        'there is no parameter detector.min_scor, its value is not used; '
        'is detector.min_score meant?',
        'there is no parameter colour, its value is not used',
    ]
