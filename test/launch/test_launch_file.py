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

"""What the launch file starts by its arguments, and what it leaves; no process is started."""

from itertools import pairwise
import os
from pathlib import Path

import pytest
from rtcnn_perception.nodes.parameters import TABLES
from rtcnn_perception.nodes.parameters.names import node_name

ROOT = Path(__file__).parents[2]
FILE = ROOT / 'launch' / 'perception.launch.py'
PARAMETERS = ROOT / 'config' / 'perception.yaml'
REASON = 'launch comes with ROS 2 from its own packages'
NAMES = list(map(node_name, TABLES))

# launch leaves its event loop to the garbage collector.
pytestmark = pytest.mark.filterwarnings('ignore::pytest.PytestUnraisableExceptionWarning')


class Started:
    """The arguments of one Node action, and what a process launched after it would be given."""

    def __init__(self, given, context):
        self.given = given
        self.executable = given['executable']
        self.parameters = {
            name: value.evaluate(context) if hasattr(value, 'evaluate') else value
            for each in given['parameters']
            if isinstance(each, dict)
            for name, value in each.items()
        }

    @property
    def rules(self):
        """Return the remapping rules by their first half."""
        words = self.given['ros_arguments']
        rules = [after for word, after in pairwise(words) if word == '-r']
        return dict(rule.rsplit(':=', 1) for rule in rules)


@pytest.fixture
def launched(monkeypatch):
    """Visit entities as `ros2 launch` does, and return what would be started."""
    launch = pytest.importorskip('launch', reason=REASON)
    actions = pytest.importorskip('launch_ros.actions', reason=REASON)
    started = []

    class Recorder(launch.Action):
        """Keeps what would be started."""

        def __init__(self, **given):
            super().__init__()
            self.given = given

        def execute(self, context):
            started.append(Started(self.given, context))

    monkeypatch.setattr(actions, 'Node', Recorder)

    def run(*entities):
        service = launch.LaunchService(noninteractive=True)
        service.include_launch_description(launch.LaunchDescription(entities))
        assert service.run() == 0
        return started

    return run


def included(**arguments):
    """Include the file; its default parameter file would need an installed package."""
    from launch.actions import IncludeLaunchDescription  # noqa: PLC0415 - absent without ROS
    from launch.launch_description_sources import PythonLaunchDescriptionSource  # noqa: PLC0415

    given = {'params_file': str(PARAMETERS), **arguments}
    return IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(FILE)), launch_arguments=given.items()
    )


class Probe:
    """Records the launch configurations and the environment where it stands."""

    def __init__(self):
        self.configurations, self.environments = [], []

    def __call__(self, context):
        self.configurations.append(dict(context.launch_configurations))
        self.environments.append(dict(os.environ))

    def action(self):
        from launch.actions import OpaqueFunction  # noqa: PLC0415 - absent without ROS

        return OpaqueFunction(function=self)


def test_one_process_or_one_for_each_node(launched):
    started = launched(included(), included(composed='false'))
    assert started[0].executable == 'perception'
    assert [f'faces_{each.executable}' for each in started[1:]] == [
        f'{name}_node' for name in NAMES
    ]
    for each in started:
        assert each.rules == {f'{name}:__node': name for name in NAMES}
        assert each.parameters == {}
        assert (each.given['namespace'], each.given['respawn']) == ('', False)
        assert '--enclave' not in each.given['ros_arguments']


@pytest.mark.parametrize('composed', ['true', 'false'])
def test_nodes_have_the_names_of_the_arguments(launched, composed):
    started = launched(included(composed=composed, camera_name='camera', detector_name='finder'))
    for each in started:
        assert each.rules['faces_camera:__node'] == 'camera'
        assert each.rules['faces_detector:__node'] == 'finder'
        assert each.rules['faces_classifier:__node'] == 'faces_classifier'


@pytest.mark.parametrize('composed', ['true', 'false'])
def test_autostart_time_and_respawn_are_those_of_the_arguments(launched, composed):
    arguments = {'autostart': 'false', 'use_sim_time': 'true', 'source': 'builtin'}
    for each in launched(
        included(composed=composed, respawn='true', respawn_delay='0.5', **arguments)
    ):
        expected = {'autostart': False, 'use_sim_time': True, 'source': 'builtin'}
        assert each.parameters == expected
        assert (each.given['respawn'], each.given['respawn_delay']) == (True, 0.5)


def test_a_parameter_file_is_found_in_the_home(launched, monkeypatch):
    monkeypatch.setenv('HOME', str(PARAMETERS.parent))
    (started,) = launched(included(params_file='~/perception.yaml'))
    assert started.given['parameters'] == [str(PARAMETERS)]


@pytest.mark.parametrize(
    ('argument', 'value', 'reason'),
    [
        ('params_file', '~/none.yaml', "expected a parameter file, got '~/none.yaml'"),
        ('params_file', '', "expected a parameter file, got ''"),
        ('respawn_delay', 'abc', "expected a number, got 'abc'"),
    ],
)
def test_a_wrong_argument_ends_the_launch_and_is_named(launched, caplog, argument, value, reason):
    with pytest.raises(AssertionError, match='assert 1 == 0'):
        launched(included(**{argument: value}))
    assert f'{argument}: {reason}' in caplog.text


def test_an_enclave_is_that_of_the_process_or_the_folder_of_three(launched):
    one, *three = launched(
        included(enclave='/robot'),
        included(enclave='/robot/', composed='false', detector_name='finder'),
    )
    words = [each.given['ros_arguments'] for each in (one, *three)]
    enclaves = [each[each.index('--enclave') + 1] for each in words]
    assert enclaves[:3] == ['/robot', '/robot/faces_camera', '/robot/finder']


def test_rviz_is_started_where_it_is_wanted_in_the_namespace_and_with_the_frame(launched):
    assert [each.executable for each in launched(included())] == ['perception']
    started = launched(included(rviz='true', namespace='robot', fixed_frame='map'))
    view = next(each for each in started if each.executable == 'rviz2')
    assert view.given['namespace'] == 'robot'
    assert view.given['arguments'][0] == '-d'
    assert view.given['arguments'][2:] == ['-f', 'map']


@pytest.mark.parametrize('is_grouped', [True, False])
def test_what_includes_the_file_twice_keeps_its_own_configurations(launched, is_grouped):
    from launch.actions import DeclareLaunchArgument  # noqa: PLC0415 - absent without ROS
    from launch.actions import GroupAction  # noqa: PLC0415

    probe = Probe()
    both = [
        included(namespace='left', image='/left/image'),
        included(namespace='right', image='/right/image'),
    ]
    if is_grouped:
        both = [GroupAction([each]) for each in both]
    own = DeclareLaunchArgument('log_level', default_value='warn')
    later = DeclareLaunchArgument('composed', default_value='mine')
    started = launched(probe.action(), own, *both, later, probe.action())
    assert [each.given['namespace'] for each in started] == ['left', 'right']
    assert [each.given['remappings'] for each in started] == [
        [('image_raw', '/left/image')],
        [('image_raw', '/right/image')],
    ]
    before, after = probe.configurations
    passed = {} if is_grouped else both[1].launch_arguments
    expected = {**before, 'log_level': 'warn', 'composed': 'mine'}
    assert {name for name in after if name not in dict(passed)} == set(expected)


def test_arguments_in_a_group_do_not_reach_the_next_include(launched):
    from launch.actions import GroupAction  # noqa: PLC0415 - absent without ROS

    first = GroupAction([included(namespace='left', composed='false', respawn='true')])
    started = launched(first, GroupAction([included()]))
    assert len(started) == len(NAMES) + 1
    assert (started[-1].executable, started[-1].given['namespace']) == ('perception', '')
    assert not started[-1].given['respawn']


@pytest.mark.parametrize('composed', ['true', 'false'])
def test_the_environment_of_what_is_launched_later_is_as_before(launched, composed, monkeypatch):
    for name in ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE'):
        monkeypatch.delenv(name, raising=False)
    probe = Probe()
    launched(probe.action(), included(composed=composed), probe.action())
    before, after = probe.environments
    assert after == before
