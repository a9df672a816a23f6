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

// A node that logs who comes, looks and goes, and the label of each attribute of the nearest face.
#include <cstdint>
#include <memory>
#include <string>

#include <rclcpp/rclcpp.hpp>
#include <rtcnn_perception/msg/face_attributes.hpp>
#include <rtcnn_perception/msg/face_event.hpp>

using rtcnn_perception::msg::Face;
using rtcnn_perception::msg::FaceAttributes;
using rtcnn_perception::msg::FaceEvent;

// The nearest face with a pose, or null.
const Face * nearest_of(const FaceAttributes & msg)
{
  const Face * nearest = nullptr;
  for (const auto & face : msg.faces) {
    if (face.has_pose &&
      (nearest == nullptr || face.pose.pose.position.z < nearest->pose.pose.position.z))
    {
      nearest = &face;
    }
  }
  return nearest;
}

const char * text_of(std::uint8_t type)
{
  switch (type) {
    case FaceEvent::APPEARED: return "appeared";
    case FaceEvent::LEFT: return "left";
    case FaceEvent::STARTED_LOOKING: return "looks at the robot";
    case FaceEvent::STOPPED_LOOKING: return "looks elsewhere";
    default: return "has another label";
  }
}

class FaceSubscriber : public rclcpp::Node
{
public:
  FaceSubscriber()
  : rclcpp::Node("face_subscriber")
  {
    // Transient local: the last events come first, also to a node that starts later.
    events_ = create_subscription<FaceEvent>(
      "faces/events", rclcpp::QoS(50).transient_local(),
      [this](FaceEvent::ConstSharedPtr event) {
        RCLCPP_INFO(
          get_logger(), "face %u %s %s", event->track_id, text_of(event->type),
          event->label.c_str());
      });
    attributes_ = create_subscription<FaceAttributes>(
      "faces/attributes", 10,
      [this](FaceAttributes::ConstSharedPtr msg) {
        const Face * face = nearest_of(*msg);
        if (face == nullptr) {
          return;
        }
        std::string labels;
        for (const auto & attribute : face->attributes) {
          labels += " " + attribute.name + ": " + attribute.label;
        }
        RCLCPP_INFO_THROTTLE(
          get_logger(), *get_clock(), 1000, "face %u at %.2f m:%s", face->track_id,
          face->pose.pose.position.z, labels.c_str());
      });
  }

private:
  rclcpp::Subscription<FaceEvent>::SharedPtr events_;
  rclcpp::Subscription<FaceAttributes>::SharedPtr attributes_;
};

int main(int argc, char ** argv)
{
  rclcpp::init(argc, argv);
  rclcpp::spin(std::make_shared<FaceSubscriber>());
  rclcpp::shutdown();
  return 0;
}
