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

"""The ink of a text stays within its rectangle."""

import re

import numpy as np
from rtcnn_perception.core.drawing.text import draw_text
from rtcnn_perception.core.drawing.text import fit_text
from rtcnn_perception.core.drawing.text import set_text

ALL_LETTERS = ''.join(map(chr, range(32, 127)))


def ink_of(text):
    """Return the rows and columns that drawing changes on a picture with a wide margin."""
    canvas = np.zeros((text.rect.bottom + 100, text.rect.right + 100, 3), np.uint8)
    draw_text(canvas, text, (255, 255, 255))
    return np.nonzero(canvas.max(axis=2))


def test_an_empty_text_has_no_ink():
    rows, _ = ink_of(set_text('', 100, 100, 12))
    assert rows.size == 0


def test_ink_stays_within_the_rectangle():
    for height in (5, 7, 8, 9, 10, 13, 14, 17, 21, 28, 40):
        for content in (ALL_LETTERS, *'jQ@|_W[,', '#12  woman 97%  happy 53%'):
            text = set_text(content, 100, 100, height)
            rows, columns = ink_of(text)
            assert rows.size > 0
            assert text.rect.top <= rows.min()
            assert rows.max() < text.rect.bottom
            assert text.rect.left <= columns.min()
            assert columns.max() < text.rect.right


def test_accents_are_left_out_and_what_else_the_font_lacks_is_a_question_mark():
    assert set_text('fröhlich\n笑', 0, 0, 12).content == 'frohlich??'


def test_a_text_that_is_too_wide_is_cut_before_its_last_word():
    whole = set_text('with glasses 95%', 7, 0, 12)
    assert fit_text('with glasses 95%', 7, 0, 12, whole.rect.width) == whole
    cut = fit_text('with glasses 95%', 7, 0, 12, whole.rect.width - 30)
    assert re.fullmatch(r'with g[a-z]*\.\. 95%', cut.content)
    assert cut.right <= whole.right - 30
    narrow = fit_text('with glasses 95%', 7, 0, 12, 40)
    assert 'with glasses'.startswith(narrow.content)
    assert narrow.right <= 47
    assert fit_text(' a b ', 7, 0, 12, 500).content == 'a b'
    assert fit_text('abc', 7, 0, 12, 0).content == ''


def test_a_higher_text_is_larger():
    sizes = [set_text('neutral', 0, 0, height).rect for height in (7, 10, 14, 20, 30)]
    assert [rect.width for rect in sizes] == sorted(rect.width for rect in sizes)
    assert [rect.height for rect in sizes] == sorted(rect.height for rect in sizes)
