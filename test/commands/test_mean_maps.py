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

"""Mean maps over labelled data: of which attributes, and what is said about them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from rtcnn_perception.cli import EXIT_INCOMPLETE
from rtcnn_perception.cli import main
from rtcnn_perception.commands import mean_maps
from tiny_model import EMOTIONS
from tiny_model import GENDERS
from tiny_model import write_tiny_model

pytest.importorskip('torch', reason='the training extra (PyTorch) is not installed')


@pytest.fixture
def data(tmp_path):
    """Return a folder with pictures of both genders in every part."""
    random = np.random.default_rng(0)
    for part in ('train', 'val', 'test'):
        for label in GENDERS:
            folder = tmp_path / 'data' / part / label
            folder.mkdir(parents=True)
            for number in range(2):
                picture = random.integers(0, 256, (32, 32)).astype(np.uint8)
                cv2.imwrite(str(folder / f'{number}.png'), picture)
    return tmp_path / 'data'


def models(folder, **options):
    """Write a model with a saliency graph for each default attribute; return their options."""
    words = []
    for name, labels in (('emotion', EMOTIONS), ('gender', GENDERS)):
        written = write_tiny_model(folder / name, {name: labels}, **options)
        assert main(['saliency-graph', str(written)]) == 0
        words += ['--model', f'{name}={written}']
    return words


def average(data, *words):
    output = data.parent / 'out'
    code = main(['explain', '--average', str(data), '--output', str(output), *map(str, words)])
    return code, sorted(path.name for path in output.iterdir())


def test_an_attribute_that_nobody_named_is_left_out_where_the_data_lacks_it(
    data, tmp_path, capsys
):
    words = models(tmp_path)
    assert average(data, *words) == (0, ['mean_gender.png'])
    assert 'has no labels of emotion in its part test: left out' in capsys.readouterr().out
    code, _ = average(data, *words, '--attributes', 'gender,emotion')
    assert code == EXIT_INCOMPLETE
    assert 'has no labels of emotion in its part test' in capsys.readouterr().err


def test_data_without_labels_of_any_attribute_is_refused(data, tmp_path, capsys):
    for part in ('train', 'val', 'test'):
        for old, new in zip(GENDERS, ('cat', 'dog'), strict=True):
            (data / part / old).rename(data / part / new)
    assert average(data, *models(tmp_path)) == (1, [])
    assert 'has no labels of any head' in capsys.readouterr().err


def test_a_model_for_colour_is_given_gray_with_one_note(data, tmp_path, capsys):
    words = models(tmp_path, channels='bgr')
    capsys.readouterr()
    assert average(data, *words) == (0, ['mean_gender.png'])
    assert capsys.readouterr().out.count('takes colour (bgr), labelled faces are') == 1


def test_the_progress_is_in_classes(data, tmp_path, monkeypatch):
    shown = []

    class Shown(mean_maps.Progress):
        def show(self, _elapsed, total, text, share=None):
            shown.append((total, text, share))

    monkeypatch.setattr(mean_maps, 'Progress', Shown)
    average(data, *models(tmp_path))
    assert shown == [
        (None, 'gender, class 1 of 2: woman', 0.0),
        (None, 'gender, class 2 of 2: man', 0.5),
    ]
