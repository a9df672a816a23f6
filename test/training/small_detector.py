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

"""Trainings of a detector that take seconds, and what the tests of them share."""

from __future__ import annotations

import argparse
import math
import shlex

from drawn_faces import TINY
from drawn_faces import write_photographs
from rtcnn_perception.training.engine.checkpoints import load_checkpoint
from rtcnn_perception.training.models.detector import FaceNetwork
from rtcnn_perception.training.tasks.detector.config import DetectorTrainConfig
from rtcnn_perception.training.tasks.detector.config import SceneConfig
from rtcnn_perception.training.tasks.detector.export import WIDTH
import torch

CONFIG = """# For a test.
name = "drawn"
detector = "tiny"
photographs = "{data}"
test = "{data}"
epochs = 3
steps = 160
batch_size = 8
learning_rate = 1e-2
average = 0.9
[scenes]
sizes = [96]
least_face = 20.0
most_face = 44.0
rotation = 5.0
noise_share = 0.0
jpeg_share = 0.0
gray_share = 0.0
"""

PARTS = {'train': [*[1, 2] * 8, 0, 0], 'val': [1, 2, 1, 2, 0], 'test': [1, 2, 0]}


def run(command, *arguments):
    parser = argparse.ArgumentParser()
    command.configure(parser)
    words = [str(argument) for argument in arguments]
    args = parser.parse_args(words)
    name = command.__name__.rpartition('.')[2]
    args.command_line = shlex.join(['rtcnn_perception', name, *words])
    return command.execute(args)


def write_config(folder, *changes, parts=PARTS):
    """Write photographs and the configuration of a training; ``changes`` are lines on top."""
    data = write_photographs(folder / 'photographs', parts, side=WIDTH)
    text = CONFIG.format(data=data.as_posix())
    for line in changes:
        key = line.split(' = ', maxsplit=1)[0]
        text = '\n'.join(line if old.startswith(f'{key} =') else old for old in text.split('\n'))
    (folder / 'drawn.toml').write_text(text)
    return folder / 'drawn.toml'


def small(**changes):
    """Return a training of a moment."""
    values = {
        'name': 'small',
        'detector': 'tiny',
        'photographs': ('made by the test',),
        'scenes': SceneConfig(sizes=(64, 96)),
        'epochs': 3,
        'steps': 2,
        'batch_size': 2,
        'average': 0.5,
    }
    return DetectorTrainConfig(**{**values, **changes})


def weights_of(path):
    return load_checkpoint(path)['network']


def assert_same(first, second):
    assert first.keys() == second.keys()
    for name, values in first.items():
        torch.testing.assert_close(values, second[name], rtol=0, atol=0, msg=name)


def lively():
    """Return a network whose statistics are not those of a fresh one."""
    torch.manual_seed(0)
    network = FaceNetwork('tiny', TINY)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(module.weight, 0.5, 1.5)
            module.running_mean.uniform_(-0.3, 0.3)
            module.running_var.uniform_(0.5, 1.5)
    return network.eval()


def restored(path):
    """Return the averaged network of a checkpoint, and all that is in it."""
    values = load_checkpoint(path)
    network = FaceNetwork('tiny', TINY).eval()
    network.load_state_dict(values['average'])
    return network, values


def calibrated(score, height, slope, offset, growth):
    logit = math.log(score / (1 - score)) * slope + offset + growth * math.log(height / 32)
    return 1 / (1 + math.exp(-logit))
