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

import json

import pytest
from rtcnn_perception.cli import main
from rtcnn_perception.core.saliency.model import SaliencyModel
from tiny_model import EMOTIONS
from tiny_model import GENDERS
from tiny_model import write_tiny_model

LABELS = {'emotion': EMOTIONS, 'gender': GENDERS}


def test_the_graph_is_written_and_its_path_printed(tmp_path, capsys):
    folder = write_tiny_model(tmp_path, LABELS)
    assert main(['saliency-graph', str(folder / 'model.onnx')]) == 0
    assert 'saliency.onnx' in capsys.readouterr().out
    assert 'saliency' in json.loads((folder / 'model.json').read_text())


def test_a_model_without_a_card_is_refused_in_one_line(tmp_path, capsys):
    (tmp_path / 'model.onnx').write_bytes(b'no model')
    assert main(['saliency-graph', str(tmp_path / 'model.onnx')]) == 1
    assert capsys.readouterr().err.count('\n') == 1
    assert not (tmp_path / 'saliency.onnx').exists()


def test_export_writes_the_graph_and_renews_an_existing_one(tmp_path, monkeypatch, capsys):
    pytest.importorskip('torch', reason='the training extra (PyTorch) is not installed')
    seeds = iter(range(10))

    def export_run(_checkpoint, folder, _settings):
        return write_tiny_model(folder, LABELS, seed=next(seeds)) / 'model.onnx'

    export = 'rtcnn_perception.training.tasks.attributes.export'
    monkeypatch.setattr(f'{export}.export_run', export_run)
    from rtcnn_perception.training.engine.checkpoints import save_checkpoint  # noqa: PLC0415

    whole = {'config': {'architecture': 'tiny_xception'}, 'average': {}}
    save_checkpoint(tmp_path / 'best.pt', whole)
    words = ['export', str(tmp_path / 'best.pt'), '--output', str(tmp_path / 'model')]
    assert main(words) == 0
    assert not (tmp_path / 'model' / 'saliency.onnx').exists()
    for options in (['--saliency'], []):
        assert main([*words, *options]) == 0
        assert 'saliency.onnx' in capsys.readouterr().out
        SaliencyModel.load(tmp_path / 'model')
