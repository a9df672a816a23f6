"""``rtcnn_perception train``: train a network from a configuration file."""

from __future__ import annotations

import argparse
from pathlib import Path

from rtcnn_perception.exceptions import ConfigurationError


def configure(parser: argparse.ArgumentParser) -> None:
    """Add what ``train`` takes."""
    parser.add_argument(
        'config',
        type=Path,
        help='a TOML file, or the name of one that ships, such as mini_xception_emotion',
    )
    parser.add_argument(
        '--output', type=Path, help='folder for checkpoints and logs (default runs/<name>)'
    )
    parser.add_argument(
        '--preview',
        type=Path,
        metavar='PNG',
        help='only write a contact sheet of augmented training faces',
    )
    parser.add_argument(
        '--workers',
        type=int,
        default=2,
        help='shares of a batch, each on a core of its own (default 2; counts on a CPU only)',
    )


def execute(args: argparse.Namespace) -> int:
    """Train, or continue an interrupted run in the same folder."""
    # The extra may be absent, which is told where commands are run.
    from rtcnn_perception.training import config as configs  # noqa: PLC0415
    from rtcnn_perception.training.data import load_splits  # noqa: PLC0415
    from rtcnn_perception.training.preview import write_preview  # noqa: PLC0415
    from rtcnn_perception.training.train import train  # noqa: PLC0415
    import torch  # noqa: PLC0415

    config = configs.load_config(configs.find_config(args.config))
    if args.workers < 1:
        raise ConfigurationError(f'--workers must be at least 1, got {args.workers}')
    torch.set_num_threads(1)  # the workers are the threads
    splits = load_splits(config.data, config.crop, config.seed)
    for note in splits.train.notes:
        print(note)
    parts = ', '.join(f'{name} {len(splits.part(name))}' for name in ('train', 'val', 'test'))
    print(f'{config.name}: {parts} faces')
    if args.preview:
        write_preview(config, splits.train, args.preview)
        print(f'wrote {args.preview}')
        return 0
    folder = args.output or Path('runs') / config.name
    best = train(config, splits, folder, args.workers)
    figures = ', '.join(f'{name} {value:.4f}' for name, value in best.items())
    print(f'best on the held-out part: {figures}; {folder / "best.pt"}')
    return 0
