// Copyright 2026 The rtcnn_perception authors
//
// Licensed under the Apache License, Version 2.0 (the "License");
// you may not use this file except in compliance with the License.
// You may obtain a copy of the License at
//
//     http://www.apache.org/licenses/LICENSE-2.0
//
// Unless required by applicable law or agreed to in writing, software
// distributed under the License is distributed on an "AS IS" BASIS,
// WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
// See the License for the specific language governing permissions and
// limitations under the License.

// A message goes through the type support that a C++ node would use, and comes back the same.
#include <cstdio>

#include <fastcdr/Cdr.h>
#include <fastcdr/FastBuffer.h>

#include <rtcnn_perception/msg/face_attributes.hpp>
#include <rtcnn_perception/msg/detail/face_attributes__rosidl_typesupport_fastrtps_cpp.hpp>

int main()
{
  using rtcnn_perception::msg::Attribute;
  using rtcnn_perception::msg::Face;
  using rtcnn_perception::msg::FaceAttributes;
  namespace support = rtcnn_perception::msg::typesupport_fastrtps_cpp;

  Attribute emotion;
  emotion.name = "emotion";
  emotion.label = "happy";
  emotion.confidence = 0.75f;
  emotion.probabilities = {0.25f, 0.75f};
  emotion.raw_probabilities = {0.5f, 0.5f};

  FaceAttributes sent;
  sent.header.frame_id = "camera_optical_frame";
  sent.attributes.resize(1);
  sent.attributes[0].name = "emotion";
  sent.attributes[0].labels = {"sad", "happy"};
  sent.attributes[0].model = "emotion@01234567";
  sent.faces.resize(1);
  sent.faces[0].track_id = 7;
  sent.faces[0].state = Face::TRACKED;
  sent.faces[0].attributes = {emotion};

  eprosima::fastcdr::FastBuffer buffer;
  eprosima::fastcdr::Cdr writer(buffer);
  support::cdr_serialize(sent, writer);
  writer.reset();

  FaceAttributes received;
  support::cdr_deserialize(writer, received);
  if (received != sent) {
    std::puts("the message came back changed");
    return 1;
  }
  for (const auto & face : received.faces) {
    for (const auto & attribute : face.attributes) {
      std::printf("face %u: %s %s\n", face.track_id, attribute.name.c_str(), attribute.label.c_str());
    }
  }
  return 0;
}
