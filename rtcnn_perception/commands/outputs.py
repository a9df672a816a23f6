"""Where results go, checked before the work is done."""

from __future__ import annotations

from pathlib import Path

from rtcnn_perception.exceptions import PerceptionError


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
