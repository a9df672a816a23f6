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

"""Names of nodes: with a prefix, each its own in a process, and those of old parameter files."""

import pytest
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.nodes import perception
from rtcnn_perception.nodes.parameters import TABLES
from rtcnn_perception.nodes.parameters.names import misnamed_sections
from rtcnn_perception.nodes.parameters.names import node_name
from rtcnn_perception.nodes.parameters.names import with_own_names
from rtcnn_perception.nodes.parameters.names import with_own_parameters
from rtcnn_perception.nodes.perception import make_chain
from rtcnn_perception.resources import share_directory
import yaml

NAMES = {table: node_name(table) for table in TABLES}
CAMERA = TABLES[0]


def chain_names(bench, *arguments):
    """Return the full names of the nodes of a chain that has a command line."""
    camera, followers = make_chain(context=bench.context, cli_args=['--ros-args', *arguments])
    nodes = (camera, *followers)
    names = [node.get_fully_qualified_name() for node in nodes]
    for node in nodes:
        node.close()
    return names


def test_every_node_has_the_prefix(bench):
    names = chain_names(bench)
    assert names[:3] == ['/faces_camera', '/faces_detector', '/faces_classifier']
    assert all(name.startswith('/faces_') for name in names)


@pytest.mark.parametrize('rule', ['__node:=front', '__name:=front'])
@pytest.mark.parametrize('option', ['-r', '--remap'])
def test_a_name_for_the_process_is_the_prefix_of_its_nodes(bench, option, rule):
    given = [option, rule, '-r', '__ns:=/robot', '-p', 'autostart:=false']
    names = chain_names(bench, *with_own_names(given, TABLES))
    assert names[:3] == ['/robot/front_camera', '/robot/front_detector', '/robot/front_classifier']
    assert len(set(names)) == len(names)


def test_the_process_of_all_nodes_is_run_with_a_name_for_each(monkeypatch):
    monkeypatch.setattr(perception, 'run_nodes', lambda *given: given[-1])
    given = ['perception', '--ros-args', '-r', '__node:=front']
    arguments = perception.main(given)
    assert arguments[:4] == [*given[:3], 'faces_camera:__node:=front_camera']
    assert len(arguments) == 2 + 2 * len(TABLES)


def test_other_arguments_are_left_as_they_are():
    given = ['perception', '--ros-args', '-p', '__node:=a', '-r', 'a:__node:=b', '-r', 'x:=y']
    assert with_own_names(given, TABLES) == given
    assert with_own_names([], TABLES) == []


@pytest.fixture
def chain(bench, tmp_path):
    """Return a function that makes the nodes called front of a command line, with files."""

    def make(space, *files, more=()):
        given = ['-r', '__node:=front', '-r', f'__ns:={space or "/"}']
        for number, content in enumerate(files):
            path = tmp_path / f'{number}.yaml'
            path.write_text(content)
            given += ['--params-file', str(path)]
        words = with_own_names(with_own_parameters([*given, *more]), TABLES)
        camera, followers = make_chain(context=bench.context, cli_args=['--ros-args', *words])
        made.extend((camera, *followers))
        return made

    made = []
    yield make
    for node in made:
        node.close()


@pytest.mark.parametrize('space', ['', '/robot', '/a/b'])
@pytest.mark.parametrize('section', ['{space}/front', '/**/front'])
def test_parameters_for_the_name_of_the_process_are_those_of_its_nodes(chain, space, section):
    given = {'source': '2024-01-01', 'detector.min_score': 0.4, 'attributes': ['emotion']}
    content = {section.format(space=space): {'ros__parameters': {**given, 'use_sim_time': True}}}
    camera, detector, classifier, *others = chain(space, yaml.safe_dump(content))
    assert camera.parameters.source == '2024-01-01'
    assert detector.parameters.detector.min_score == 0.4
    assert classifier.parameters.attributes == ('emotion',)
    nodes = (camera, detector, classifier, *others)
    assert {node.get_parameter('use_sim_time').value for node in nodes} == {True}


FRONT = '/robot/front: {ros__parameters: {detector.min_score: 8e-1}}'


@pytest.mark.parametrize(
    ('files', 'more', 'expected'),
    [
        ([FRONT], (), 0.8),
        ([FRONT], ('-p', 'detector.min_score:=0.3'), 0.3),
        ([FRONT, '/**: {ros__parameters: {detector.min_score: 0.2}}'], (), 0.2),
        (['/**: {ros__parameters: {detector.min_score: 0.2}}', FRONT], (), 0.8),
        (['/robot/rear: {ros__parameters: {detector.min_score: 0.7}}'], (), 0.0),
        (['/front: {ros__parameters: {detector.min_score: 0.7}}'], (), 0.0),
    ],
)
def test_parameters_of_the_process_give_way_as_those_of_any_node_do(chain, files, more, expected):
    assert chain('/robot', *files, more=more)[1].parameters.detector.min_score == expected


def test_arguments_without_a_name_for_the_process_are_left_as_they_are(tmp_path):
    path = tmp_path / 'p.yaml'
    path.write_text('/front: {ros__parameters: {source: b}}')
    for given in ([], ['--params-file', str(path)], ['-r', '__node:=front', '--params-file', 'a']):
        assert with_own_parameters(given) == given


def test_a_section_with_the_default_name_of_a_node_that_is_renamed_is_reported(tmp_path):
    path = tmp_path / 'mine.yaml'
    path.write_text('/**/faces_camera:\n  ros__parameters: {source: builtin}\n')
    (sentence,) = misnamed_sections(path, {**NAMES, CAMERA: 'front_camera'})
    assert sentence.endswith('rename it to /**/front_camera')
    own = share_directory() / 'config' / 'perception.yaml'
    assert list(misnamed_sections(own, {**NAMES, CAMERA: 'front_camera'})) == []


def test_one_node_is_renamed_by_its_default_name(bench):
    names = chain_names(bench, '-r', 'faces_detector:__node:=detector')
    assert names[:3] == ['/faces_camera', '/detector', '/faces_classifier']


def test_two_nodes_of_one_name_are_refused_with_what_to_do(bench):
    with pytest.raises(ConfigurationError, match=r'called /x: .* -r faces_camera:__node:=NAME'):
        chain_names(bench, '-r', '__node:=x')
    bench.wait_until_alone()


@pytest.mark.parametrize(
    ('section', 'renamed'),
    [
        ('camera', 'faces_camera'),
        ('/camera', '/faces_camera'),
        ('/**/detector', '/**/faces_detector'),
        ('/robot/head/classifier', '/robot/head/faces_classifier'),
    ],
)
def test_a_section_with_a_former_name_is_reported_with_the_name_it_needs(
    tmp_path, section, renamed
):
    path = tmp_path / 'old.yaml'
    path.write_text(
        f'{section}:\n  ros__parameters:\n    latency_limit_ms: 5.0\n'
        '/**:\n  ros__parameters: {autostart: true}\n'
    )
    (sentence,) = misnamed_sections(path, NAMES)
    assert f'the section {section} of {path} is not read' in sentence
    assert sentence.endswith(f'rename it to {renamed}')


def test_a_section_below_namespaces_is_reported_too(tmp_path):
    path = tmp_path / 'old.yaml'
    path.write_text('robot:\n  camera:\n    ros__parameters:\n      source: builtin\n')
    (sentence,) = misnamed_sections(path, NAMES)
    assert sentence.endswith('rename it to robot/faces_camera')


@pytest.mark.parametrize(
    'text',
    [
        '',
        'a: [',
        '[1, 2]',
        '/camera:\n  ros__parameters: {image_width: 640, qos: auto}\n',
        '/camera:\n  frame_id: mine\n',
        '/faces_camera:\n  ros__parameters: {source: builtin}\n',
        '/detector/driver:\n  ros__parameters: {qos: auto}\n',
    ],
)
def test_sections_of_other_nodes_and_other_files_are_left_alone(tmp_path, text):
    path = tmp_path / 'other.yaml'
    path.write_text(text)
    assert list(misnamed_sections(path, NAMES)) == []
    assert list(misnamed_sections(tmp_path / 'none.yaml', NAMES)) == []


def test_a_section_of_a_node_that_has_the_former_name_or_is_elsewhere_is_left_alone(tmp_path):
    path = tmp_path / 'mine.yaml'
    path.write_text('/camera:\n  ros__parameters: {source: builtin}\n')
    assert list(misnamed_sections(path, {**NAMES, CAMERA: 'camera'})) == []
    others = {table: name for table, name in NAMES.items() if table is not CAMERA}
    assert list(misnamed_sections(path, others)) == []
