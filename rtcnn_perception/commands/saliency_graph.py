"""``rtcnn_perception saliency-graph``: write the saliency graph of a model."""

from __future__ import annotations

import argparse
from pathlib import Path


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the options of this command."""
    parser.description = (
        'Write saliency.onnx beside a model: the same network with its backward pass, which gives '
        'the probabilities and a map of the pixels that led to them.'
    )
    parser.add_argument(
        'model', type=Path, help='folder of a model, its model.onnx or its card model.json'
    )


def execute(args: argparse.Namespace) -> int:
    """Build the graph, check it, write it and name it in the card."""
    from rtcnn_perception.saliency.write_graph import write_saliency_graph  # noqa: PLC0415  an extra

    written = write_saliency_graph(args.model)
    print(f'wrote {written} ({written.stat().st_size // 1024} KiB) and named it in the card')
    return 0
