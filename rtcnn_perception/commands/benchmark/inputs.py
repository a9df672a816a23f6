"""What a benchmark needs besides the package: clips, and the file of YuNet."""

from __future__ import annotations

from dataclasses import dataclass
import os
from pathlib import Path

from rtcnn_perception.core.detection.registry import RTCNN_MODEL
from rtcnn_perception.core.labels import ATTRIBUTES
from rtcnn_perception.core.models.files import yunet_path
from rtcnn_perception.core.sources.open import BUILTIN
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.paths import is_file
from rtcnn_perception.paths import is_folder
from rtcnn_perception.resources import models_directory
from rtcnn_perception.resources import models_search_path
from rtcnn_perception.resources import share_directory

ONE_FACE_CLIP = 'book.mkv'
CLIPS = ('again.mkv', ONE_FACE_CLIP, 'help.mkv', 'walk.mkv')
"""640x480 at 30 frames per second, one signer, a face in every frame."""

SHIPPED = 'rtcnn'
"""The detector that comes with the package."""

NO_YUNET = (
    "YuNet's file was not there (`rtcnn_perception fetch-yunet`, or --yunet FILE): it is left out."
)
NO_CLIP = 'The clip of one person was not there: the built-in one, with a second person, stood in.'


@dataclass(frozen=True)
class Inputs:
    """Paths of what was found; ``yunet`` None and ``clips`` empty where it was not."""

    yunet: Path | None
    clips: tuple[Path, ...]
    data: Path
    models: Path

    @property
    def one_face(self) -> str:
        """The source with one face: a clip of a person, or else the built-in one."""
        for clip in self.clips:
            if clip.name == ONE_FACE_CLIP:
                return str(clip)
        return BUILTIN

    @property
    def stand_ins(self) -> tuple[str, ...]:
        """What had to do without: then what must hold for one face is not judged."""
        return (NO_CLIP,) if self.one_face == BUILTIN else ()

    @property
    def detectors(self) -> tuple[str, ...]:
        """What can be compared, the package's own first."""
        return (SHIPPED, 'haar') if self.yunet is None else (SHIPPED, 'yunet', 'haar')

    @property
    def left_out(self) -> tuple[str, ...]:
        """What a comparison of detectors has to do without."""
        return () if self.yunet else (NO_YUNET,)

    def parameters(self, detector: str = SHIPPED) -> dict[str, object]:
        """Return parameters for the nodes: the models and a detector."""
        return {
            **{f'{name}.model_path': str(self.model(name)) for name in ATTRIBUTES},
            'detector.name': detector,
            'detector.model_path': self.detector_file(detector),
        }

    def detector_file(self, detector: str) -> str:
        """Return the path of a detector's file or model, empty for what OpenCV has."""
        files = {SHIPPED: self.models / RTCNN_MODEL, 'yunet': self.yunet}
        return str(files.get(detector) or '')

    def model(self, attribute: str) -> Path:
        """Return the folder of the model for an attribute."""
        return self.models / attribute


def find_inputs(data: Path | None, yunet: Path | None, models: Path | None) -> Inputs:
    """
    Find what there is.

    :param data: folder of the research data; None for ``RTCNN_DATA``, or the one beside the
        repository
    :param yunet: file of YuNet; None looks beside the data and where the package looks
    :param models: folder with the models; None for those of the package
    :raises ConfigurationError: if ``data`` or ``yunet`` is named and is not there
    """
    if data is not None and not is_folder(data):
        raise ConfigurationError(f'there is no folder {data}')
    if data is None:
        beside = share_directory().parent / 'shared' / 'data'
        data = Path(os.environ.get('RTCNN_DATA') or beside)
    if yunet is not None and not is_file(yunet):
        raise ConfigurationError(f'there is no file {yunet}')
    if yunet is None:
        baselines = Path(os.environ.get('RTCNN_BASELINES') or data.parent / 'baselines')
        candidates = [yunet_path(folder) for folder in (baselines, *models_search_path())]
        yunet = next((path for path in candidates if is_file(path)), None)
    clips = [data / 'video' / name for name in CLIPS]
    return Inputs(
        yunet=None if yunet is None else yunet.resolve(),
        clips=tuple(clip.resolve() for clip in clips if is_file(clip)),
        data=data,
        models=(models or models_directory()).resolve(),
    )
