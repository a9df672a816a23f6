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

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.tasks.reporting import draw_confusion
from rtcnn_perception.training.tasks.reporting import draw_curve
from rtcnn_perception.training.tasks.reporting import draw_faces
from rtcnn_perception.training.tasks.reporting import draw_lines
from rtcnn_perception.training.tasks.reporting import draw_reliability
from rtcnn_perception.training.tasks.reporting import Line
from rtcnn_perception.training.tasks.reporting import percent
from rtcnn_perception.training.tasks.reporting import span
from rtcnn_perception.training.tasks.reporting import table
from rtcnn_perception.training.tasks.reporting import write_report


def test_shares_are_given_as_per_cent():
    assert percent(0.6557) == '65.6 %'
    assert span((0.5, 0.75)) == '50.0 % to 75.0 %'


def test_a_table_has_a_head_and_rows():
    assert table(('a', 'b'), []) == ['| a | b |', '| --- | --- |', '']
    assert table(('a',), [['1'], ['2']])[2:] == ['| 1 |', '| 2 |', '']
    assert table(('a|b',), [['no|pipe']]) == ['| a\\|b |', '| --- |', '| no\\|pipe |', '']


def test_a_report_is_a_page_with_its_figures_and_pictures(tmp_path):
    picture = np.full((4, 5, 3), 7, np.uint8)
    page = write_report({'accuracy': 0.5}, '# A page\n', {'a.png': picture}, tmp_path / 'out')
    assert page == tmp_path / 'out/report.md'
    assert page.read_text() == '# A page\n'
    assert json.loads((tmp_path / 'out/report.json').read_text()) == {'accuracy': 0.5}
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / 'out/a.png')), picture)


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(ConfigurationError, match='cannot write to the folder'):
        write_report({}, '', {}, tmp_path / 'file')


@pytest.mark.parametrize(
    'picture',
    [
        draw_faces([]),
        draw_curve('x', [], 0.5),
        draw_reliability([]),
        draw_confusion([[0, 0], [0, 0]], ('a', 'b')),
        draw_lines('x', 'y', []),
    ],
)
def test_a_drawing_of_nothing_is_a_picture(picture):
    assert picture.ndim == 3
    assert picture.dtype == np.uint8


def test_a_larger_share_is_darker():
    image = draw_confusion([[9, 1], [0, 0]], ('a', 'b'))
    first, second = (image[35, 70 + 56 * column + 4] for column in range(2))
    assert first[1] < second[1] < 255


def test_long_names_of_classes_have_room_and_are_cut_where_they_have_none():
    names = ('a', 'no glasses at all', 'a name that is far longer than any column may be')
    image = draw_confusion([[1, 0, 0], [0, 1, 0], [0, 0, 1]], names)
    grid_left = image.shape[1] - 10 - 3 * 110
    assert grid_left == 200
    assert (image[40:, 195:200] == 255).all()  # no row's name reaches the grid
    heads = image[:25]
    assert (heads[:, grid_left + 107 : grid_left + 111] == 255).all()  # nor a column's the next


def test_lines_are_in_their_colours_with_a_dot_and_a_legend():
    color = (1, 200, 3)
    points = np.array([[0.0, 0.5], [1.0, 0.5]])
    image = draw_lines('x', 'y', [Line(points, 'a', color, dots=[(0.5, 0.5)])], 'a note')
    rows = np.flatnonzero((image == color).all(2).any(1))
    assert rows.min() < 60  # the legend
    assert (image[190, 80:380] == color).all(1).mean() > 0.9


def test_faces_are_drawn_in_rows_over_their_captions():
    faces = np.full((3, 8, 8), 200, np.uint8)
    image = draw_faces(faces, [('a', 'b'), ('c',)], columns=2, side=20)
    assert image.shape == (2 * (20 + 2 * 14 + 6), 2 * 26, 3)
    assert (image[5, 5] == 200).all()
    in_color = draw_faces([np.full((8, 8, 3), (9, 8, 7), np.uint8)], columns=1, side=20)
    assert in_color[10, 10].tolist() == [9, 8, 7]
