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

"""Real-time CNNs that see, on a robot's CPU, who stands before it."""

import os
from pkgutil import extend_path

# From 1.32 on onnxruntime reports its use to its maker, unless this is set before it is imported:
# every way into the package comes past here first, and child processes inherit it.
os.environ.setdefault('ORT_DISABLE_TELEMETRY', '1')
# What is wrong with a picture or a video is said in its error; OpenCV and the FFmpeg in it would
# write to stderr what the file holds.
os.environ.setdefault('OPENCV_LOG_LEVEL', 'SILENT')
os.environ.setdefault('OPENCV_FFMPEG_LOGLEVEL', '-8')

# Installed editable or with symlinks, the generated rtcnn_perception.msg lies apart from here.
__path__ = extend_path(__path__, __name__)

__version__ = '0.1.0'
