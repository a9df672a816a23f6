"""From photographs of many people to what is published of them, through the real nodes."""

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
"""How many YuNet finds at a width of 320 pixels."""


@pytest.mark.parametrize('name', sorted(FACES))
def test_the_faces_of_a_photograph_are_found_and_judged(data, yunet, tmp_path, monkeypatch, name):
    frames = []
    remember = run.Watch.on_judged

    def on_judged(watch, judged, total_s):
        frames.append((judged, watch))
        remember(watch, judged, total_s)

    monkeypatch.setattr(run.Watch, 'on_judged', on_judged)
    source = data / 'images' / name
    words = ['run', '--source', str(source), '--duration', '2', '--output', str(tmp_path)]
    words += ['--no-video', '--detector', 'yunet', '--detector-model', str(yunet)]
    assert cli.main(words) == 0
    judged, watch = frames[-1]
    assert len(judged.faces) >= FACES[name]
    assert len({face.track.track_id for face in judged.faces}) == len(judged.faces)
    assert watch.seen.tracks == len(judged.faces), 'nobody changed the id'
    for face in judged.faces:
        assert 0.0 < face.quality <= 1.0
        for attribute, labels in watch.labels.items():
            for row in (face.smoothed[attribute], face.raw[attribute]):
                assert row.shape == (len(labels),)
                assert row.min() >= 0.0
                assert row.sum() == pytest.approx(1.0, abs=1e-3)
    drawn = cv2.imread(str(tmp_path / 'annotated.png'))
    assert drawn.shape == cv2.imread(str(source)).shape
