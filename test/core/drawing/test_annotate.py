"""Faces are drawn into a copy, each in the colour of its track."""

from __future__ import annotations

import colorsys
import itertools

import numpy as np
import pytest
from rtcnn_perception.core.drawing.annotate import annotate
from rtcnn_perception.core.drawing.annotate import color_of
from rtcnn_perception.core.drawing.annotate import PANEL_DIMMING
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.labels import EMOTION_LABELS
from rtcnn_perception.core.labels import GENDER_LABELS
from rtcnn_perception.core.pipeline import FacesInFrame
from rtcnn_perception.core.pipeline import Frame
from rtcnn_perception.core.pipeline import JudgedFace
from rtcnn_perception.core.pipeline import JudgedFrame
from rtcnn_perception.core.tracking.tracker import Track
from rtcnn_perception.core.tracking.tracker import TrackState

LABELS = {'emotion': EMOTION_LABELS, 'gender': GENDER_LABELS}
EMOTION = np.array([0.05, 0.05, 0.1, 0.6, 0.1, 0.05, 0.05], np.float32)
GENDER = np.array([0.8, 0.2], np.float32)
BOTH = {'emotion': EMOTION, 'gender': GENDER}
BOX = BoundingBox(220, 160, 300, 260)


def face(box=BOX, track_id=3, state=TrackState.TRACKED, smoothed=None):
    smoothed = BOTH if smoothed is None else smoothed
    track = Track(track_id, box, confidence=0.9, landmarks=None, state=state, age=9)
    return JudgedFace(track, crop=BOX, quality=0.9, smoothed=smoothed, raw=smoothed)


def judged(*faces, size_wh=(640, 480), gray=90):
    image = np.full((size_wh[1], size_wh[0], 3), gray, np.uint8)
    frame = Frame(image, stamp_ns=1, frame_id='camera', received_ns=2)
    found = FacesInFrame(frame, tuple(each.track for each in faces), 0.004, 0)
    return JudgedFrame(found, faces, classify_s=0.001)


def changed(frame, **kwargs):
    """Return where annotation changes the picture."""
    before = frame.faces_in_frame.frame.image
    return (annotate(frame, LABELS, **kwargs) != before).any(axis=2)


def test_nobody_gives_a_copy_that_is_ones_own():
    frame = judged()
    picture = annotate(frame, LABELS)
    np.testing.assert_array_equal(picture, frame.faces_in_frame.frame.image)
    assert picture.flags.writeable
    assert not np.shares_memory(picture, frame.faces_in_frame.frame.image)


@pytest.mark.parametrize('state', list(TrackState))
def test_the_image_itself_is_not_written_to(state):
    frame = judged(face(state=state))
    assert changed(frame).any()
    assert (frame.faces_in_frame.frame.image == 90).all()


def test_the_face_itself_stays_to_be_seen():
    inner = changed(judged(face()))[170:250, 230:290]
    assert not inner.any()


def test_caption_and_bars_stand_outside_the_box():
    with_bars, without = changed(judged(face())), changed(judged(face()), bars=False)
    assert with_bars[:, 310:].sum() > without[:, 310:].sum()
    assert without[140:158, 225:400].any()


def test_bars_stand_on_a_darker_ground_and_the_longest_has_the_colour_of_the_track():
    panel = annotate(judged(face()), LABELS)[165:250, 305:400]
    assert (panel == round(90 * PANEL_DIMMING)).all(axis=2).mean() > 0.3
    assert (panel == color_of(3)).all(axis=2).any()


@pytest.mark.parametrize('state', [TrackState.TRACKED, TrackState.COASTED])
def test_a_caption_can_be_read_on_every_colour(state):
    luminance = np.array([0.114, 0.587, 0.299])
    for track_id in range(40):
        picture = annotate(judged(face(track_id=track_id, state=state)), LABELS, bars=False)
        ground = color_of(track_id, state is TrackState.COASTED) @ luminance
        assert np.abs(picture[143:155, 225:330] @ luminance - ground).max() > 90


def test_with_an_attribute_off_the_other_is_still_drawn():
    whole = changed(judged(face())).sum()
    only_gender = changed(judged(face(smoothed={'gender': GENDER}))).sum()
    only_emotion = changed(judged(face(smoothed={'emotion': EMOTION}))).sum()
    neither = changed(judged(face(smoothed={}))).sum()
    assert neither < only_gender < only_emotion < whole


def test_a_face_out_of_sight_is_dashed_and_dimmer():
    seen = annotate(judged(face()), LABELS)
    coasted = annotate(judged(face(state=TrackState.COASTED)), LABELS)
    left_edge = slice(165, 255), 220
    assert (seen[left_edge] == color_of(3)).all(axis=1).all()
    is_drawn = (coasted[left_edge] == color_of(3, is_coasted=True)).all(axis=1)
    assert is_drawn.any()
    assert not is_drawn.all()
    assert max(color_of(3, is_coasted=True)) < max(color_of(3))


def test_a_face_outside_the_picture_is_passed_over_and_one_at_its_edge_is_drawn():
    outside = face(BoundingBox(700, 0, 760, 60))
    assert not changed(judged(outside)).any()
    edge = face(BoundingBox(639.7, 100, 700, 160))
    assert (annotate(judged(edge), LABELS)[130, 639] == color_of(3)).all()


def test_any_box_in_any_picture_can_be_drawn():
    random = np.random.default_rng(12)
    for size_wh in ((1, 1), (7, 300), (320, 240), (640, 480), (1920, 1080)):
        for _ in range(10):
            boxes = [
                BoundingBox.from_xywh(
                    *random.uniform(-0.3, 1.0, 2) * size_wh,
                    *random.uniform(0.01, 1.3, 2) * size_wh,
                )
                for _ in range(4)
            ]
            faces = [
                face(box, track_id, TrackState(track_id % 3)) for track_id, box in enumerate(boxes)
            ]
            picture = annotate(judged(*faces, size_wh=size_wh), LABELS)
            assert picture.shape == (size_wh[1], size_wh[0], 3)


def test_a_track_keeps_its_colour_and_tracks_that_meet_differ():
    assert color_of(17) == color_of(17)
    hues = [colorsys.rgb_to_hsv(*(each / 255 for each in color_of(i)[::-1]))[0] for i in range(64)]
    for first, second in itertools.combinations(range(64), 2):
        if second - first <= 12:
            apart = abs(hues[first] - hues[second])
            assert min(apart, 1 - apart) > 0.05
