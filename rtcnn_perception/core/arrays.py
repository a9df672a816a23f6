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

"""Names for the array types that cross module boundaries."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

ImageBGR: TypeAlias = NDArray[np.uint8]
"""(H, W, 3) uint8, BGR."""

ImageGray: TypeAlias = NDArray[np.uint8]
"""(H, W) uint8."""

Image: TypeAlias = NDArray[np.uint8]
"""Either of the two above."""

BoxesXYXY: TypeAlias = NDArray[np.float64]
"""(N, 4) float64, half-open corners x0, y0, x1, y1 in pixels."""

Landmarks: TypeAlias = NDArray[np.float32]
"""(K, 2) float32, x and y in pixels, a row for each of the detector's ``landmark_names``."""

Probabilities: TypeAlias = NDArray[np.float32]
"""(C,) or (N, C) float32, each row in [0, 1] with sum 1."""

Position: TypeAlias = NDArray[np.float64]
"""(3,) float64 [m]."""

Rotation: TypeAlias = NDArray[np.float64]
"""(3, 3) float64, orthonormal with determinant 1."""

Covariance: TypeAlias = NDArray[np.float64]
"""(6, 6) float64, symmetric: position [m], then rotation [rad]."""
