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

"""
Perception without ROS: NumPy, SciPy, OpenCV, simplejpeg and onnxruntime only.

The image contract, which holds wherever a docstring does not say otherwise:

- An image is ``(H, W, 3)`` uint8, BGR. A name that ends in ``_rgb`` or ``_gray`` says otherwise;
  gray is ``(H, W)`` uint8.
- Images are never written to: a frame is shared between stages and threads.
- x points right and y down (REP-103, optical frame). Pixel ``i`` covers ``[i, i + 1)``, so that a
  box ``x0, y0, x1, y1`` is half-open and its width is ``x1 - x0``.
- Time is in seconds as float, a probability in [0, 1], an angle in degrees, positive where it is
  clockwise in the image.
"""
