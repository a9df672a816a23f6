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

"""From photographs of many people to published faces, through the real nodes."""

import cv2
import pytest
from rtcnn_perception import cli
from rtcnn_perception.commands import run

pytestmark = [pytest.mark.data, pytest.mark.slow, pytest.mark.usefixtures('own_ros')]

FACES = {
    '12_angry_men.jpg': 10,
    'emotion_classification.jpg': 4,
    'robocup_team.jpg': 6,
    'solvay_conference.jpg': 6,
    'test_image.jpg': 6,
}
"""Number of faces that YuNet finds at a width of 320 pixels."""


@pytest.mark.parametrize('name', sorted(FACES))
def test_the_faces_of_a_photograph_are_found_and_classified(
    data, yunet, tmp_path, monkeypatch, name
):
    results = []
    original = run.Watch.on_result

    def on_result(watch, result):
        results.append((result, watch))
        original(watch, result)

    monkeypatch.setattr(run.Watch, 'on_result', on_result)
    source = data / 'images' / name
    words = ['run', '--source', str(source), '--duration', '2', '--output', str(tmp_path)]
    words += ['--no-video', '--detector', f'yunet={yunet}']
    assert cli.main(words) == 0
    result, watch = results[-1]
    assert len(result.faces) >= FACES[name]
    assert len({face.track_id for face in result.faces}) == len(result.faces)
    assert watch.tracks.tracks == len(result.faces), 'no face changed its id'
    assert [each.name for each in result.attributes] == ['emotion', 'gender']
    for face in result.faces:
        assert 0.0 < face.quality <= 1.0
        for info in result.attributes:
            attribute = face.attributes[info.name]
            for row in (attribute.probabilities, attribute.raw_probabilities):
                assert row.shape == (len(info.labels),)
                assert row.min() >= 0.0
                assert row.sum() == pytest.approx(1.0, abs=1e-3)
    drawn = cv2.imread(str(tmp_path / 'annotated.png'))
    assert drawn.shape == cv2.imread(str(source)).shape
