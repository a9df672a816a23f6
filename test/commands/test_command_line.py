from __future__ import annotations

from pathlib import Path

import pytest
from rtcnn_perception.commands.command_line import command_line


@pytest.mark.parametrize(
    ('words', 'options', 'expected'),
    [
        ((), {}, 'train'),
        ((Path('a b.toml'), 'c'), {}, "train 'a b.toml' c"),
        ((), {'output': None, 'quick': False, 'detector': ''}, 'train'),
        ((), {'margin': 0.0, 'workers': 0}, 'train --margin 0.0 --workers 0'),
        (('x',), {'through_pipeline': 5, 'quick': True}, 'train x --through-pipeline 5 --quick'),
        ((), {'width': [320, 416], 'iou': 0.4}, 'train --width 320 416 --iou 0.4'),
    ],
)
def test_a_command_is_written_as_a_shell_takes_it(words, options, expected):
    assert command_line('train', *words, **options) == f'rtcnn_perception {expected}'
