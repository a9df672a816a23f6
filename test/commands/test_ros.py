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

import pytest
from rtcnn_perception.commands import ros
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.nodes.parameters.names import check_sections

pytestmark = pytest.mark.usefixtures('own_ros')


def test_the_context_is_shut_down_on_leaving():
    with ros.initialised_context() as context:
        assert context.ok()
    assert not context.ok()


def test_a_parameter_file_that_cannot_be_parsed_is_refused(tmp_path):
    path = tmp_path / 'params.yaml'
    path.write_text('[no parameters')
    with pytest.raises(ConfigurationError, match=r'initialised.*params\.yaml'):
        enter(path)


def test_an_environment_that_ros_refuses_is_reported_in_one_line(monkeypatch):
    monkeypatch.setenv('ROS_DOMAIN_ID', 'abc')
    with pytest.raises(ConfigurationError) as raised:
        enter()
    assert str(raised.value) == (
        'ROS cannot be initialised: '
        'failed to initialize rcl: ROS_DOMAIN_ID is not an integral number'
    )


def enter(*arguments):
    with ros.initialised_context(*arguments):
        pass


def test_a_section_for_a_former_name_of_a_node_is_reported_once(tmp_path, capfd):
    path = tmp_path / 'old.yaml'
    path.write_text('/**/camera:\n  ros__parameters: {source: builtin}\n')
    assert ros.parameter_in(path, node='faces_camera', name='source') is None
    with ros.initialised_context(path):
        pass
    assert capfd.readouterr().err.count('rename it to /**/faces_camera') == 1


@pytest.mark.parametrize('line', ['attributes: []', 'colour: []', 'source: 7'])
def test_one_parameter_is_read_whatever_the_others_are(tmp_path, line):
    path = tmp_path / 'params.yaml'
    path.write_text(f'/**:\n  ros__parameters: {{frame_id: lens, {line}}}\n')
    assert ros.parameter_in(path, node='faces_camera', name='frame_id') == 'lens'


def test_a_parameter_that_no_node_takes_is_refused(tmp_path):
    path = tmp_path / 'params.yaml'
    path.write_text('/**:\n  ros__parameters: {use_sim_time: "yes"}\n')
    with pytest.raises(ConfigurationError, match='use_sim_time'):
        ros.parameter_in(path, node='faces_camera', name='source')


@pytest.mark.parametrize(
    'text', ['a: &a\n  b: *a\n', '[' * 3000, '/**:\n  ros__parameters: {stamp: 2026-13-45}\n', '']
)
def test_what_yaml_reads_otherwise_is_left_to_ros(tmp_path, text):
    path = tmp_path / 'params.yaml'
    path.write_text(text)
    check_sections(path)


@pytest.mark.parametrize('content', ['vm', '[1, 2]', 'faces_camera: {source: builtin}'])
def test_a_file_without_parameters_is_refused(tmp_path, content):
    path = tmp_path / 'hostname'
    path.write_text(content)
    with pytest.raises(ConfigurationError, match='is no parameter file: expected a section'):
        enter(path)
