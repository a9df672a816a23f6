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

"""A consumer that follows the rules of libhri: a face that ``tracked`` does not list is gone."""

from sensor_msgs.msg import Image

TOPICS = {
    'roi': 'NormalizedRegionOfInterest2D',
    'landmarks': 'FacialLandmarks',
    'expression': 'Expression',
    'softbiometrics': 'SoftBiometrics',
    'cropped': None,
    'aligned': None,
}


class HriListener:
    """Keeps the faces that are there, with the last message of each topic."""

    def __init__(self, node, messages, topics=tuple(TOPICS)):
        self._node = node
        self._messages = messages
        self._topics = topics
        self._subscriptions = {}
        self.faces = {}
        self.log = []
        self.lists = []
        self._tracked = node.create_subscription(
            messages.IdsList, '/humans/faces/tracked', self._on_tracked, 1
        )

    def close(self):
        self._node.destroy_subscription(self._tracked)
        self._keep(())

    def _on_tracked(self, msg):
        self.lists.append(msg)
        self._keep(msg.ids)
        for name in msg.ids:
            if name not in self.faces:
                self.log.append(('found', name))
                self.faces[name] = {}
                self._subscriptions[name] = [self._subscribe(name, each) for each in self._topics]

    def _keep(self, names):
        for name in [each for each in self.faces if each not in names]:
            self.log.append(('lost', name))
            del self.faces[name]
            for subscription in self._subscriptions.pop(name):
                self._node.destroy_subscription(subscription)

    def _subscribe(self, name, topic):
        kind = TOPICS[topic]
        kind = Image if kind is None else getattr(self._messages, kind)

        def keep(msg):
            self.faces[name][topic] = msg

        return self._node.create_subscription(kind, f'/humans/faces/{name}/{topic}', keep, 1)
