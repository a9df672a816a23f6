"""The margin of a crop as an option, looked at before any work is done."""

from __future__ import annotations

from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.exceptions import ConfigurationError


def check_margin(margin: float | None) -> None:
    """
    See that a crop can have the margin that ``--margin`` gives, if it gives one.

    :raises ConfigurationError: if none can
    """
    try:
        CropGeometry(margin or 0.0)
    except ValueError as error:
        raise ConfigurationError(f'--{error}') from error
