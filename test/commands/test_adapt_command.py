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

import subprocess
import sys

from onnx import TensorProto
import pytest
from rtcnn_perception.cli import main
from rtcnn_perception.core.attributes.model import AttributeModel
from tiny_model import EMOTIONS
from tiny_model import make_graph

OPTIONS = ['--labels', ','.join(EMOTIONS), '--attribute', 'mood']


@pytest.fixture
def graph(tmp_path):
    """Return a graph for one face that takes numbers from 0 to 1."""
    path = tmp_path / 'm.onnx'
    path.write_bytes(make_graph({'emotion': 7}, dtype=TensorProto.FLOAT, batch=1))
    return path


def test_a_folder_is_written_and_tried_on_the_picture(graph, tmp_path, capsys):
    words = ['adapt', str(graph), *OPTIONS, '--output', str(tmp_path / 'mine')]
    assert main([*words, '--scale=1/255', '--margin', '0.2']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith('m.onnx takes 8x8 gray as float32 from 0 to 1, a face at a time')
    assert lines[1] == f'wrote {tmp_path / "mine/model.onnx"} and its card'
    assert lines[2].startswith('mood of astronaut.jpg, which smiles: ')
    assert all(label in lines[2] for label in EMOTIONS)
    card = AttributeModel.load(tmp_path / 'mine').card
    assert (card.name, card.crop.margin) == ('mine', 0.2)


def test_what_described_the_model_before_is_removed_with_a_line(graph, tmp_path, capsys):
    words = ['adapt', str(graph), *OPTIONS, '--output', str(tmp_path / 'mine')]
    assert main(words) == 0
    (tmp_path / 'mine/saliency.onnx').write_bytes(b'of the graph as it was')
    assert main([*words, '--scale=1/255']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert 'removed saliency.onnx of the model that was there before' in lines
    assert not (tmp_path / 'mine/saliency.onnx').exists()


@pytest.mark.parametrize(
    'option', ['--scale=1/0', '--scale=a', '--size=8', '--size=0x8', '--size=2000x8']
)
def test_a_wrong_option_is_wrong_usage(graph, tmp_path, option, capsys):
    with pytest.raises(SystemExit):
        main(['adapt', str(graph), *OPTIONS, '--output', str(tmp_path / 'a'), option])
    printed = capsys.readouterr().err
    assert f'argument {option.partition("=")[0]}: expected ' in printed


def test_height_comes_before_width(tmp_path, capsys):
    path = tmp_path / 'm.onnx'
    path.write_bytes(make_graph({'emotion': 7}, dtype=TensorProto.FLOAT, size_hw=(6, 8)))
    words = ['adapt', str(path), *OPTIONS, '--output', str(tmp_path / 'mine')]
    assert main(words) == 0
    assert capsys.readouterr().out.startswith('m.onnx takes 6x8 gray')


@pytest.mark.parametrize(
    ('words', 'message'),
    [
        (['--margin', '9'], '--margin must be in'),
        (['--shift-down', '0.6'], '--shift-down must be in'),
        (['--attribute', 'Big_x'], "saliency, smoothing, got 'Big_x'"),
    ],
)
def test_what_no_card_can_say_is_refused_by_its_option(graph, tmp_path, words, message, capsys):
    options = ['adapt', str(graph), *OPTIONS, '--output', str(tmp_path / 'a')]
    assert main([*options, *words]) == 1
    assert message in capsys.readouterr().err


def test_without_onnx_the_command_says_what_to_install(graph, tmp_path):
    words = ['adapt', str(graph), *OPTIONS, '--output', str(tmp_path / 'a')]
    code = (
        'import sys\n'
        'sys.modules["onnx"] = None\n'
        'from rtcnn_perception import cli\n'
        f'sys.exit(cli.main({words!r}))\n'
    )
    done = subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert 'onnx is not installed: this needs the training extra' in done.stderr
