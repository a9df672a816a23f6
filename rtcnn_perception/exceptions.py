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
Errors a user can do something about.

Each message says what was expected, what came, and what to do.
The command line and the nodes show the message alone; anything else that is raised is a defect
and keeps its traceback.
"""


class PerceptionError(Exception):
    """Base of every error this package raises on purpose."""

    def __str__(self) -> str:
        """Return the message, which names of files may make no UTF-8: ROS logs nothing else."""
        return super().__str__().encode(errors='backslashreplace').decode()


class ModelError(PerceptionError):
    """A model file, or its card, is missing, damaged, or contradicts the other."""


class ImageFormatError(PerceptionError):
    """An image has a shape, type or encoding that cannot be used."""


class SourceError(PerceptionError):
    """A source of frames does not exist or cannot be decoded."""


class IncompleteError(PerceptionError):
    """A command has done its work, but for what the message names."""


class ConfigurationError(PerceptionError):
    """A parameter or option has a value that cannot be used."""
