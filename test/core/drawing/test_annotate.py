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

"""Faces are drawn into a copy, each in the colour of its track."""

from __future__ import annotations

import colorsys
from dataclasses import replace
import itertools

import numpy as np
import pytest
from rtcnn_perception.core.drawing import annotate as annotate_module
from rtcnn_perception.core.drawing.annotate import annotate
from rtcnn_perception.core.drawing.annotate import color_of
from rtcnn_perception.core.drawing.annotate import PANEL_DIMMING
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.landmarks import FIVE_POINTS
from rtcnn_perception.core.pose.head_pose import FACING
from rtcnn_perception.core.pose.head_pose import HeadPose
from rtcnn_perception.core.pose.rotations import rotation_by
from rtcnn_perception.core.results import Attribute
from rtcnn_perception.core.results import AttributeInfo
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.tracking.track import Track
from rtcnn_perception.core.tracking.track import TrackState
from tiny_model import EMOTIONS
from tiny_model import GENDERS

LABELS = {
    'emotion': EMOTIONS,
    'gender': GENDERS,
    'hat': ('none', 'cap', 'top hat'),
}
ROWS = {
    'emotion': np.float32([0.05, 0.05, 0.1, 0.6, 0.1, 0.05, 0.05]),
    'gender': np.float32([0.8, 0.2]),
    'hat': np.float32([0.1, 0.2, 0.7]),
}
BOX = BoundingBox(220, 160, 300, 260)
BOTH = ('emotion', 'gender')


def face(box=BOX, track_id=3, state=TrackState.TRACKED, attributes=BOTH):
    track = Track(track_id, box, confidence=0.9, landmarks=None, state=state, age=9)
    by_name = {name: Attribute.of(LABELS[name], ROWS[name], ROWS[name]) for name in attributes}
    return Face(track, crop=BOX, quality=0.9, attributes=by_name)


def result(*faces, size_wh=(640, 480), gray=90, attributes=BOTH):
    image = np.full((size_wh[1], size_wh[0], 3), gray, np.uint8)
    frame = Frame(image, stamp_ns=1, frame_id='camera', received_ns=2)
    infos = tuple(AttributeInfo(name, LABELS[name], 'tiny@1') for name in attributes)
    return FrameResult(frame, faces, attributes=infos)


def changed(drawn, **kwargs):
    """Return where annotation changes the picture."""
    return (annotate(drawn, **kwargs) != drawn.frame.image).any(axis=2)


@pytest.fixture
def layouts(monkeypatch):
    """Collect the faces that are laid out."""
    collected = []
    lay_out = annotate_module.lay_out

    def keeping_lay_out(faces, size_wh):
        collected.extend(faces)
        return lay_out(faces, size_wh)

    monkeypatch.setattr(annotate_module, 'lay_out', keeping_lay_out)
    return collected


def test_a_frame_without_faces_gives_a_writable_copy():
    drawn = result()
    picture = annotate(drawn)
    np.testing.assert_array_equal(picture, drawn.frame.image)
    assert picture.flags.writeable
    assert not np.shares_memory(picture, drawn.frame.image)


@pytest.mark.parametrize('state', list(TrackState))
def test_the_image_itself_is_not_written_to(state):
    drawn = result(face(state=state))
    assert changed(drawn).any()
    assert (drawn.frame.image == 90).all()


def test_the_face_itself_stays_visible():
    inner = changed(result(face()))[170:250, 230:290]
    assert not inner.any()


def test_caption_and_bars_are_outside_the_box():
    with_bars, without = changed(result(face())), changed(result(face()), bars=False)
    assert with_bars[:, 310:].sum() > without[:, 310:].sum()
    assert without[140:158, 225:400].any()


def test_bars_are_on_a_darker_ground_and_the_longest_has_the_colour_of_the_track():
    panel = annotate(result(face()))[165:250, 305:400]
    assert (panel == round(90 * PANEL_DIMMING)).all(axis=2).mean() > 0.3
    assert (panel == color_of(3)).all(axis=2).any()


def test_the_label_of_each_bar_is_written_beside_it_and_the_first_is_the_lightest(monkeypatch):
    written = []
    draw_text = annotate_module.draw_text

    def keeping_draw_text(canvas, text, color):
        before = canvas.copy()
        draw_text(canvas, text, color)
        assert (before != canvas).any()
        written.append((text.content, color))

    monkeypatch.setattr(annotate_module, 'draw_text', keeping_draw_text)
    annotate(result(face()))
    labels = dict(written)
    assert set(EMOTIONS) <= set(labels)
    light = [name for name in EMOTIONS if labels[name] == annotate_module.LIGHT]
    assert light == ['happy']


def test_a_caption_lists_the_attributes_in_their_order(layouts):
    for order in (('emotion', 'gender', 'hat'), ('hat', 'gender', 'emotion')):
        layouts.clear()
        annotate(result(face(attributes=order), attributes=order))
        labels = {'emotion': 'happy', 'gender': 'woman', 'hat': 'top hat'}
        shares = {'emotion': '60%', 'gender': '80%', 'hat': '70%'}
        full = '  '.join(('#3', *(f'{labels[name]} {shares[name]}' for name in order)))
        middle = ' '.join(('#3', *(labels[name] for name in order)))
        assert layouts[0].captions == (full, middle, f'#3 {labels[order[0]]}', '#3')


def test_an_unsure_label_is_drawn_as_such_and_one_that_is_missing_not_at_all(layouts):
    shown = face(attributes=('emotion', 'gender'))
    unsure = replace(shown.attributes['emotion'], is_unsure=True)
    without = shown.attributes['gender'].without_label()
    annotate(result(replace(shown, attributes={'emotion': unsure, 'gender': without})))
    assert layouts[0].captions == ('#3  unsure', '#3 unsure', '#3')


def test_without_attributes_a_caption_is_the_number_of_the_track(layouts):
    annotate(result(face(attributes=()), attributes=()))
    assert layouts[0].captions == ('#3',)
    assert layouts[0].bars == ()


def test_bars_are_those_of_the_first_attribute_with_more_than_two_classes(layouts):
    for order, expected in (
        (('gender', 'hat', 'emotion'), 'hat'),
        (('emotion', 'hat'), 'emotion'),
        (('gender',), ''),
    ):
        layouts.clear()
        annotate(result(face(attributes=order), attributes=order))
        annotate(result(face(attributes=order), attributes=order), bars=False)
        rows = zip(LABELS[expected], ROWS[expected].tolist(), strict=True) if expected else ()
        assert [each.bars for each in layouts] == [tuple(rows), ()]


def test_a_face_that_was_not_classified_has_no_bars(layouts):
    annotate(result(face(attributes=())))
    assert layouts[0].bars == ()


@pytest.mark.parametrize('state', [TrackState.TRACKED, TrackState.COASTED])
def test_a_caption_is_readable_on_every_colour(state):
    luminance = np.array([0.114, 0.587, 0.299])
    for track_id in range(40):
        picture = annotate(result(face(track_id=track_id, state=state)), bars=False)
        ground = color_of(track_id, state is TrackState.COASTED) @ luminance
        assert np.abs(picture[143:155, 225:330] @ luminance - ground).max() > 90


def test_fewer_attributes_take_less_of_the_picture():
    areas = [
        changed(result(face(attributes=names), attributes=names)).sum()
        for names in ((), ('gender',), ('emotion',), BOTH)
    ]
    assert areas == sorted(set(areas))


def test_a_coasted_face_is_dashed_and_darker():
    tracked = annotate(result(face()))
    coasted = annotate(result(face(state=TrackState.COASTED)))
    left_edge = slice(165, 255), 220
    assert (tracked[left_edge] == color_of(3)).all(axis=1).all()
    is_drawn = (coasted[left_edge] == color_of(3, is_coasted=True)).all(axis=1)
    assert is_drawn.any()
    assert not is_drawn.all()
    assert max(color_of(3, is_coasted=True)) < max(color_of(3))


def test_a_face_outside_the_picture_is_left_out_and_one_at_its_edge_is_drawn():
    outside = face(BoundingBox(700, 0, 760, 60))
    assert not changed(result(outside)).any()
    edge = face(BoundingBox(639.7, 100, 700, 160))
    assert (annotate(result(edge))[130, 639] == color_of(3)).all()


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
            picture = annotate(result(*faces, size_wh=size_wh))
            assert picture.shape == (size_wh[1], size_wh[0], 3)


def test_a_track_keeps_its_colour_and_neighbouring_numbers_differ():
    assert color_of(17) == color_of(17)
    hues = [colorsys.rgb_to_hsv(*(each / 255 for each in color_of(i)[::-1]))[0] for i in range(64)]
    for first, second in itertools.combinations(range(64), 2):
        if second - first <= 12:
            distance = abs(hues[first] - hues[second])
            assert min(distance, 1 - distance) > 0.05


def posed(yaw=0.0, **changes):
    turned = FACING @ rotation_by(np.array([0.0, 0.0, np.radians(yaw)]))
    pose = HeadPose(np.array([0.3, 0.0, 1.2]), turned, np.eye(6))
    return replace(face(), pose=replace(pose, **changes))


def test_a_caption_ends_with_the_distance_where_it_is_known(layouts):
    annotate(result(posed()))
    assert layouts[-1].captions[0] == '#3  happy 60%  woman 80%  1.2 m'
    assert layouts[-1].captions[-2:] == ('#3 1.2 m', '#3')
    annotate(result(posed()), poses=False)
    assert not any('1.2 m' in each for each in layouts[-1].captions)


def test_the_line_of_the_nose_points_where_the_head_does():
    left, right = (changed(result(posed(yaw)))[170:250, 225:295] for yaw in (-50.0, 50.0))
    assert left[:, :30].sum() > 3 * left[:, 40:].sum()
    assert right[:, 40:].sum() > 3 * right[:, :30].sum()


def test_a_head_that_points_at_the_camera_has_a_dot_for_a_nose():
    towards = -np.degrees(np.arctan(0.3 / 1.2))
    assert 0 < changed(result(posed(towards)))[170:250, 230:290].sum() < 100


def test_the_line_begins_at_the_nose_where_it_is_a_landmark():
    points = np.array([[240, 190], [280, 190], [260, 230], [245, 240], [275, 240]], np.float32)
    posed_face = posed(-14.0)
    with_nose = replace(posed_face, track=replace(posed_face.track, landmarks=points))
    drawn = replace(result(with_nose), landmark_names=FIVE_POINTS)
    assert changed(drawn)[228:233, 258:263].all()


def test_no_line_is_drawn_without_an_orientation_or_where_it_is_turned_off():
    for drawn, poses in ((posed(50.0, rotation=None), True), (posed(50.0), False)):
        assert not changed(result(drawn), poses=poses)[170:250, 230:290].any()
