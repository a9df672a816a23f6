import cv2
import pytest
from rtcnn_perception.commands.benchmark.scenes import crowd_clip
from rtcnn_perception.core.detection.haar import HaarDetector
from rtcnn_perception.core.images import to_gray


@pytest.mark.parametrize('faces', [0, -1, 2, 15])
def test_a_crowd_has_a_square_number_of_faces(faces):
    with pytest.raises(ValueError, match='square number'):
        crowd_clip(faces, 1)


@pytest.mark.parametrize('faces', [1, 4, 16])
def test_the_frames_show_as_many_faces_as_named(faces):
    cv2.setNumThreads(1)
    detector = HaarDetector.load()
    for frame in crowd_clip(faces, 12)[::4]:
        assert frame.shape == (480, 640, 3)
        assert len(detector.find_squares(to_gray(frame))[0]) == faces
