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

"""The camera and the detector beside a classifier node that runs in a process of its own."""

from rtcnn_perception.msg import Face
from rtcnn_perception.msg import FaceAttributes
from rtcnn_perception.msg import FaceRois
from scripted import header
from scripted import image
from scripted import SIZE_WH
from scripted import stamp_of
from sensor_msgs.msg import Image
from sensor_msgs.msg import RegionOfInterest

INSIDE = (10, 12, 20, 24)


def rois(number, *boxes, landmark_names=()):
    """Return the rois of an image, one for each x, y, width, height."""
    return FaceRois(
        header=header(number),
        image_width=SIZE_WH[0],
        image_height=SIZE_WH[1],
        faces=[
            Face(
                track_id=index + 1,
                box=RegionOfInterest(x_offset=x, y_offset=y, width=width, height=height),
                confidence=0.9,
                state=Face.TRACKED,
                age=3,
            )
            for index, (x, y, width, height) in enumerate(boxes)
        ],
        detector='finder',
        landmark_names=list(landmark_names),
        detect_ms=4.0,
    )


class Partner:
    """Publishes images and rois, and subscribes to the attributes."""

    def __init__(self, bench):
        self.bench = bench
        self.images = bench.tester.create_publisher(Image, 'faces/image', 10)
        self.rois = bench.tester.create_publisher(FaceRois, 'faces/rois', 10)
        self.received = bench.subscribe(FaceAttributes, 'faces/attributes')

    def connect(self):
        self.bench.connect(self.images)
        self.bench.connect(self.rois)
        self.bench.spin_until(
            lambda: self.bench.tester.count_publishers('faces/attributes') == 1, 'its results'
        )
        return self

    def classify(self, number, *boxes):
        """Send an image and its rois, and return the attributes."""
        return self.classify_rois(rois(number, *boxes))

    def classify_rois(self, msg):
        """Send rois and their image, and return the attributes."""
        self.images.publish(image(stamp_of(msg)))
        self.rois.publish(msg)
        return self.attributes_of(stamp_of(msg))

    def attributes_of(self, number):
        """Wait for the attributes of the image with that stamp."""
        self.bench.spin_until(
            lambda: self.received and stamp_of(self.received[-1]) == number, 'the attributes'
        )
        return self.received[-1]
