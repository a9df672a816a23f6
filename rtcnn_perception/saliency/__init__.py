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
Adds the backward pass to a network, so that it also gives saliency maps.

onnxruntime runs graphs and computes no gradients. The backward pass is therefore written as a
graph of its own behind the network, once, when a model is exported; running it needs nothing but
onnxruntime.

Beside training this is the only part of the package that needs the ``onnx`` library.
"""
