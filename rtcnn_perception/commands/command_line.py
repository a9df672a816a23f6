"""The command line of a run, written as a shell takes it, for reports and cards."""

from __future__ import annotations

from collections.abc import Iterable
import shlex


def command_line(command: str, *words: object, **options: object) -> str:
    """
    Return a command with its options.

    :param options: None, False and the empty text are left out, True stands for an option that
        takes nothing, and of a list every item follows
    """
    parts: list[object] = ['rtcnn_perception', command, *words]
    for name, value in options.items():
        if value is None or value is False or value == '':
            continue
        parts.append(f'--{name.replace("_", "-")}')
        if value is not True:
            parts += (
                [value] if isinstance(value, str) or not isinstance(value, Iterable) else value
            )
    return shlex.join(map(str, parts))
