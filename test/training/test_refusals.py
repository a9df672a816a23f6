"""What cannot be done ends in one line that says what to do, and in exit code 1."""

from __future__ import annotations

import pytest

pytest.importorskip('torch')
pytest.importorskip('tensorboard')

from rtcnn_perception import cli
from small_data import pictures
from small_data import write_emotion_npz

CONFIG = """
name = "small"
architecture = "tiny_xception"
epochs = 1
batch_size = 8
"""


@pytest.fixture
def config(tmp_path):
    """Return a configuration for a handful of pictures."""
    data = write_emotion_npz(tmp_path / 'e.npz', pictures(22), [0] * 22, 20)
    path = tmp_path / 'small.toml'
    path.write_text(f'{CONFIG}[data]\nemotion = "{data.as_posix()}"\n')
    return path


def refusal(capsys, *words):
    """Return the one line with which a command refuses."""
    capsys.readouterr()
    assert cli.main([str(word) for word in words]) == 1
    line = capsys.readouterr().err
    assert line.startswith('rtcnn_perception: ')
    assert line.count('\n') == 1
    return line


def test_a_preview_for_an_architecture_that_is_none_is_refused(tmp_path, config, capsys):
    config.write_text(config.read_text().replace('tiny_xception', 'resnet50'))
    line = refusal(capsys, 'train', config, '--preview', tmp_path / 'a.png')
    assert "no architecture is called 'resnet50'; there are compact_resnet, mini_xception" in line
