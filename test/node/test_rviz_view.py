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

"""The view for rviz: what it shows exists, in any namespace and with any fixed frame."""

from pathlib import Path

from rtcnn_perception.nodes.perception import make_chain
import yaml

VIEW = Path(__file__).parents[2] / 'rviz' / 'perception.rviz'
MANAGER = yaml.safe_load(VIEW.read_text(encoding='utf-8'))['Visualization Manager']
TOPICS = {each['Topic']['Value']: each for each in MANAGER['Displays'] if 'Topic' in each}
TYPES = {
    'rviz_default_plugins/Image': 'sensor_msgs/msg/Image',
    'rviz_default_plugins/MarkerArray': 'visualization_msgs/msg/MarkerArray',
}


def test_topics_are_relative_so_that_a_namespace_moves_them():
    assert [topic for topic in TOPICS if topic.startswith(('/', '~'))] == []
    assert len(TOPICS) == len([each for each in MANAGER['Displays'] if 'Topic' in each])


def test_every_image_that_is_shown_is_published_with_that_type(bench):
    camera, followers = make_chain(context=bench.context, namespace='robot')
    published = {}
    for node in (camera, *followers):
        names = node.get_publisher_names_and_types_by_node(node.get_name(), '/robot')
        published |= dict(names)
        node.close()
    for topic, display in TOPICS.items():
        types = published.get(f'/robot/{topic}')
        if topic != 'faces/markers':
            assert types == [TYPES[display['Class']]], topic


def test_the_annotated_image_and_markers_are_shown_and_the_other_images_are_not():
    shown = {topic for topic, display in TOPICS.items() if display['Enabled']}
    assert shown == {'faces/image_annotated', 'faces/markers'}
    assert TOPICS['faces/markers']['Class'] == 'rviz_default_plugins/MarkerArray'


def test_nothing_but_the_fixed_frame_names_a_frame():
    frames = {
        value
        for each in MANAGER['Displays']
        for key, value in each.items()
        if key.endswith('Frame')
    }
    assert frames == {'<Fixed Frame>'}
    assert MANAGER['Views']['Current']['Target Frame'] == '<Fixed Frame>'
