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

"""Captions and panels are placed inside the picture, where they cover no face and no text."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from rtcnn_perception.core.drawing.layout import FaceLines
from rtcnn_perception.core.drawing.layout import lay_out
from rtcnn_perception.core.drawing.layout import LONGEST_LABEL
from rtcnn_perception.core.drawing.layout import text_height
from rtcnn_perception.core.drawing.rect import Rect

CAPTIONS = ('#1  woman 97%  happy 53%', '#1 woman happy', '#1 happy', '#1')
BARS = (('angry', 0.1), ('disgust', 0.0), ('happy', 0.53), ('surprise', 0.3), ('neutral', 0.07))


def lines(*box, captions=CAPTIONS, bars=BARS):
    return FaceLines(Rect(*box), captions, bars)


def only(box, size_wh, **kwargs):
    (layout,) = lay_out((lines(*box, **kwargs),), size_wh)
    return layout


def test_a_picture_without_faces_has_no_layout():
    assert lay_out((), (640, 480)) == ()


@pytest.mark.parametrize('size_wh', [(320, 240), (640, 480), (1920, 1080)])
def test_one_face_has_its_full_caption_above_it_and_its_bars_beside_it(size_wh):
    width, height = size_wh
    box = Rect(width // 3, height // 4, width // 7, height // 5)
    layout = only(box, size_wh)
    assert layout.caption.text.content == CAPTIONS[0]
    assert layout.caption.ground.bottom == box.top
    assert layout.panel.ground.left >= box.right
    assert [bar.text.content for bar in layout.panel.bars] == [label for label, _ in BARS]


def test_bars_are_in_proportion_to_their_probability_and_the_longest_is_marked():
    panel = only((100, 100, 100, 120), (640, 480)).panel
    for bar, (_, probability) in zip(panel.bars, BARS, strict=True):
        assert bar.rect.width == max(1, round(bar.full.width * probability))
        assert bar.full.holds(bar.rect)
    assert [bar.is_top for bar in panel.bars] == [False, False, True, False, False]


def test_without_bars_there_is_no_panel():
    assert only((100, 100, 100, 120), (640, 480), bars=()).panel is None


def test_caption_and_panel_lie_upon_a_face_that_fills_the_picture():
    layout = only((0, 0, 640, 480), (640, 480))
    assert layout.box.holds(layout.caption.ground)
    assert layout.box.holds(layout.panel.ground)
    assert not layout.caption.ground.overlaps(layout.panel.ground)


def test_at_the_top_edge_the_caption_is_below_the_face():
    box = Rect(200, 0, 80, 100)
    assert only(box, (640, 480)).caption.ground.top == box.bottom


def test_at_the_right_edge_the_caption_begins_further_left_and_bars_are_left_of_the_face():
    box = Rect(560, 200, 80, 100)
    layout = only(box, (640, 480))
    assert layout.caption.ground.right == 640
    assert layout.panel.ground.right <= box.left


def test_where_only_the_space_below_is_free_bars_are_below_the_caption():
    layout = only((60, 0, 80, 90), (200, 300))
    assert layout.caption.ground.top == 90
    assert layout.panel.ground.top >= layout.caption.ground.bottom


def test_the_larger_of_two_faces_has_the_longer_caption_where_not_both_fit():
    small, large = lines(0, 34, 16, 16), lines(138, 21, 28, 28)
    for faces in ((small, large), (large, small)):
        layouts = lay_out(faces, (200, 60))
        lengths = {layout.box: len(layout.caption.text.content) for layout in layouts}
        assert lengths[large.box] > lengths[small.box]


@pytest.mark.parametrize('size_wh', [(1, 1), (5, 40), (16, 16)])
def test_where_there_is_no_room_nothing_is_placed(size_wh):
    layout = only((0, 0, *size_wh), size_wh)
    assert layout.caption is None
    assert layout.panel is None


def test_a_narrow_picture_gets_a_shorter_caption():
    layout = only((2, 40, 50, 60), (60, 200))
    assert layout.caption.text.content in CAPTIONS[1:]


def test_a_long_label_is_cut_in_the_panel():
    bars = (('a' * 100, 0.5), ('b', 0.5))
    panel = only((100, 100, 100, 120), (640, 480), bars=bars).panel
    assert panel.bars[0].text.content == 'a' * LONGEST_LABEL


def test_in_a_row_every_face_has_its_number_before_any_has_a_longer_caption():
    row = tuple(lines(4 + 20 * index, 22, 14, 18) for index in range(5))
    captions = [layout.caption.text.content for layout in lay_out(row, (320, 100))]
    assert captions == [CAPTIONS[0], '#1', '#1', '#1', CAPTIONS[0]]


def test_small_faces_in_a_crowd_have_no_panels():
    boxes = [(10 + 60 * (i % 10), 20 + 60 * (i // 10), 20, 24) for i in range(40)]
    layouts = lay_out(tuple(lines(*box) for box in boxes), (640, 480))
    assert all(layout.panel is None for layout in layouts)


def test_text_is_high_enough_to_be_read_and_grows_with_the_picture_and_the_face():
    heights = [
        text_height(Rect(0, 0, width // 8, width // 8), (width, width // 2))
        for width in (100, 320, 640, 1280, 1920, 3840)
    ]
    assert heights == sorted(heights)
    assert heights[0] >= 7
    small, large = (text_height(Rect(0, 0, side, side), (1920, 1080)) for side in (20, 600))
    assert small < large


def test_everything_lies_inside_the_picture_and_covers_no_face_and_no_text():
    random = np.random.default_rng(11)
    letters = [chr(code) for code in range(32, 400)]
    for width, height in ((320, 240), (240, 320), (640, 480), (1920, 1080), (97, 33), (30, 400)):
        picture = Rect(0, 0, width, height)
        for _ in range(12):
            faces = tuple(
                random_face(random, picture, letters) for _ in range(random.integers(1, 9))
            )
            layouts = lay_out(faces, (width, height))
            grounds = [
                (layout.box, part.ground)
                for layout in layouts
                for part in (layout.caption, layout.panel)
                if part is not None
            ]
            for (_, first), (_, second) in itertools.combinations(grounds, 2):
                assert not first.overlaps(second)
            for owner, ground in grounds:
                assert picture.holds(ground)
                for layout in layouts:
                    assert layout.box == owner or not ground.overlaps(layout.box)
            for layout in layouts:
                assert_parts_lie_on_their_ground(layout)


def random_face(random, picture, letters):
    left, top = random.integers(0, picture.width), random.integers(0, picture.height)
    size = random.integers(1, [picture.width - left + 1, picture.height - top + 1])
    words = [''.join(random.choice(letters, random.integers(1, 30))) for _ in range(7)]
    return FaceLines(
        Rect(int(left), int(top), *size.tolist()),
        (' '.join(words[:3]), words[0], '#12'),
        tuple(zip(words, random.dirichlet(np.ones(7)).tolist(), strict=True)),
    )


def assert_parts_lie_on_their_ground(layout):
    if layout.caption is not None:
        assert layout.caption.ground.holds(layout.caption.text.rect)
    if layout.panel is not None:
        for bar in layout.panel.bars:
            for rect in (bar.text.rect, bar.full, bar.rect):
                assert layout.panel.ground.holds(rect)
            assert not bar.text.rect.overlaps(bar.full)
