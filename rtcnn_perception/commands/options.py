"""Values of options that several commands take, checked before any work is done."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import PerceptionError


def items(text: str) -> tuple[str, ...]:
    """Split a list at its commas."""
    return tuple(item.strip() for item in text.split(',') if item.strip())


def check_margin(margin: float | None) -> None:
    """
    Check that a crop can have the margin that ``--margin`` gives, if it gives one.

    :raises ConfigurationError: if none can
    """
    try:
        CropGeometry(margin or 0.0)
    except ValueError as error:
        raise ConfigurationError(f'--{error}') from error


def refuse_options(args: argparse.Namespace, names: Sequence[str], owner: str) -> None:
    """
    Refuse options that are given where they have no use.

    :param owner: what they are for
    :raises ConfigurationError: naming the first of them
    """
    for name in names:
        if getattr(args, name) is not None:
            raise ConfigurationError(f'--{name.replace("_", "-")} is for {owner}')


def check_output(path: Path, option: str) -> None:
    """
    Check that a file can be written, and make its folder if need be; an existing file stays.

    :param option: the option that names it on the command line
    :raises PerceptionError: if it cannot be written
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not path.exists()
        path.open('ab').close()
        if is_new:
            path.unlink()
    except OSError as error:
        raise PerceptionError(
            f'cannot write {path} ({error.strerror}); name another place with {option}'
        ) from error
