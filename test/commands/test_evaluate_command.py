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

"""Where a report lies: apart from those on other models and on other data."""

from __future__ import annotations

from pathlib import Path

import pytest
from rtcnn_perception.commands.evaluate import report_folder


@pytest.mark.parametrize(
    ('model', 'data', 'folder'),
    [
        ('haar', ['.'], 'haar/here'),
        ('models/attributes', ['emotion/fer2013_train_public.npz'], 'attributes/fer2013_train_p'),
        ('models/hat', ['hats', 'more hats', 'x'], 'hat/hats+2'),
        ('models/hat/', ['hats/'], 'hat/hats'),
        ('models/hat/model.onnx', ['hats'], 'hat/hats'),
        ('models/hat/model_int8.onnx', ['hats'], 'hat/hats'),
        ('models/hat/model.json', ['hats'], 'hat/hats'),
        ('runs/hat/best.pt', ['hats'], 'hat_best/hats'),
        ('runs/hat/last.pt', ['hats'], 'hat_last/hats'),
        ('runs/hat/start.pt', ['hats'], 'hat_start/hats'),
        ('best.pt', ['hats'], 'here_best/hats'),
        ('runs/mean.pt', ['hats'], 'mean/hats'),
        ('fer_XCEPTION.102-0.66.hdf5', ['fer2013.csv'], 'fer_XCEPTION.102-0.66/fer2013'),
        ('yunet=models/yunet_2023.onnx', ['a/clip.mkv', 'b.mkv'], 'yunet_2023/clip+1'),
        ('rtcnn=models/face/model.onnx', ['photographs'], 'face/photographs'),
        ('models/v1.2', ["what's this?"], 'v1.2/what_s_this'),
        ('models/größer', ['../hats'], 'größer/hats'),
        ('x' * 300, ['y' * 300], f'{"x" * 40}/{"y" * 40}'),
        ('..', ['/'], '*/unnamed'),
    ],
)
def test_each_model_and_each_data_has_a_folder_of_its_own(
    tmp_path, monkeypatch, model, data, folder
):
    (tmp_path / 'here').mkdir()
    monkeypatch.chdir(tmp_path / 'here')
    found = report_folder(model, data)
    assert found.parts[:2] == ('out', 'evaluate')
    assert len(found.parts) == 4
    assert Path(*found.parts[2:]).match(f'{folder}*')
