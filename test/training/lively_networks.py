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

"""Networks with weights as after a training, and models that are exported from them."""

from __future__ import annotations

from dataclasses import asdict

from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.training.engine.checkpoints import save_checkpoint
from rtcnn_perception.training.engine.networks import LabelledNetwork
from rtcnn_perception.training.engine.provenance import Provenance
from rtcnn_perception.training.models.architectures import build_network
from rtcnn_perception.training.tasks.attributes.export import export_network
from rtcnn_perception.training.tasks.attributes.export import ExportSettings
import torch
from torch import nn

EMOTIONS = ('angry', 'disgust', 'fear', 'happy', 'sad', 'surprise', 'neutral')
CLASSES = {'emotion': EMOTIONS, 'gender': ('woman', 'man')}
SOURCE = {'name': 'FER-2013', 'terms': "the owner's"}
COMMAND = 'rtcnn_perception train one && rtcnn_perception export one'


def lively(name, classes, *, seed=0):
    """Return a network whose statistics are not those of a fresh one; ``classes`` are counts."""
    torch.manual_seed(seed)
    network = build_network(name, classes)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.3)
            nn.init.normal_(module.running_mean, std=0.3)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
    return network.eval()


def labelled(name='tiny_xception', classes=CLASSES, *, seed=0, crop=None):
    """Return a lively network with the names of its classes."""
    network = lively(name, {each: len(names) for each, names in classes.items()}, seed=seed)
    return LabelledNetwork('made', network, classes, crop or CropGeometry(0.0))


def export(source, folder, *, temperatures=None, half=False, data=(SOURCE,), measured=None):
    """Export a network; temperatures are 1 where none are given."""
    *trainings, command = COMMAND.split(' && ')
    origin = Provenance(trainings, list(data))
    settings = ExportSettings('made', half, command=command)
    given = {**dict.fromkeys(source.classes, 1.0), **(temperatures or {})}
    more = {} if measured is None else {'measured': measured}
    return export_network(source, given, folder, settings, origin, **more)


def save(source, path, **settings):
    """Write a network as the checkpoint of a training; ``settings`` are of its configuration."""
    config = {
        'name': 'made',
        'architecture': source.network.name,
        'crop': asdict(source.crop),
        **settings,
    }
    classes = {name: list(names) for name, names in source.classes.items()}
    values = {'config': config, 'average': source.network.state_dict(), 'classes': classes}
    save_checkpoint(path, values)
    return path


def inputs(network, count=16):
    """Return (B, 1, H, W) pixels in [-1, 1]."""
    generator = torch.Generator().manual_seed(2)
    return torch.rand(count, 1, *network.spec.input_hw, generator=generator) * 2 - 1
