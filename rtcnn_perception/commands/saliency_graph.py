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

"""``rtcnn_perception saliency-graph``: write the saliency graph of a model."""

from __future__ import annotations

import argparse

from rtcnn_perception.commands.options import path_of


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.description = (
        'Write saliency.onnx beside a model: the same network with its backward pass, which gives '
        'the probabilities and a map of the pixels that led to them.'
    )
    parser.add_argument(
        'model', type=path_of, help='folder of a model, its model.onnx or its card model.json'
    )


def execute(args: argparse.Namespace) -> int:
    """Build the graph, check it, write it and name it in the card."""
    from rtcnn_perception.saliency.write_graph import write_saliency_graph  # noqa: PLC0415  an extra

    written = write_saliency_graph(args.model)
    print(f'wrote {written} ({written.stat().st_size // 1024} KiB) and named it in the card')
    return 0
