// A message goes through the type support that a C++ node would use, and comes back the same.
#include <cstdio>

#include <fastcdr/Cdr.h>
#include <fastcdr/FastBuffer.h>

#include <rtcnn_perception/msg/face_attributes.hpp>
#include <rtcnn_perception/msg/detail/face_attributes__rosidl_typesupport_fastrtps_cpp.hpp>

int main()
{
  using rtcnn_perception::msg::FaceAttributes;
  namespace support = rtcnn_perception::msg::typesupport_fastrtps_cpp;

  FaceAttributes sent;
  sent.header.frame_id = "camera_optical_frame";
  sent.emotion_labels = {"sad", "happy"};
  sent.faces.resize(1);
  sent.faces[0].roi.track_id = 7;
  sent.faces[0].roi.track_state = rtcnn_perception::msg::FaceRoi::TRACKED;
  sent.faces[0].emotion.probabilities = {0.25f, 0.75f};

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
  std::printf("face %u: %s\n", received.faces[0].roi.track_id, received.emotion_labels[1].c_str());
  return 0;
}
