import os

import pytest

pytest.importorskip('rclpy')

from rtcnn_perception.commands import ros
from rtcnn_perception.exceptions import ConfigurationError

pytestmark = pytest.mark.usefixtures('own_ros')


@pytest.mark.parametrize(
    ('version', 'expected'), [('3.3.16', 1), ('7.1.6', 1), ('9.1.2', 0), ('12.0.0', 0)]
)
def test_the_profile_is_set_by_the_variable_that_each_distribution_reads(
    monkeypatch, version, expected
):
    monkeypatch.setattr(ros.metadata, 'version', lambda _: version)
    ros.use_image_profile()
    named = [os.environ.get(name) for name in ros.PROFILE_VARIABLES]
    assert named[expected].endswith('config/fastdds.xml')
    assert named[1 - expected] is None


@pytest.mark.parametrize('name', ros.PROFILE_VARIABLES)
def test_a_profile_of_the_user_is_kept(monkeypatch, name):
    monkeypatch.setenv(name, 'mine.xml')
    ros.use_image_profile()
    assert {os.environ.get(each) for each in ros.PROFILE_VARIABLES} == {'mine.xml', None}


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
