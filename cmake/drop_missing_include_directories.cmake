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

# Packages installed from Python wheels export CMake targets that name include folders of the machine that built the
# wheel, and CMake refuses to generate with them. Drop those of the imported targets known here that do not exist.
#
# It changes all imported targets of the folder it is included in, so that find_package(rtcnn_perception) leaves it to
# who needs it: include("${rtcnn_perception_DIR}/drop_missing_include_directories.cmake"). Where ROS was built on, or
# packaged for, the machine at hand there is nothing to drop.
get_property(_targets DIRECTORY PROPERTY IMPORTED_TARGETS)
foreach(_target IN LISTS _targets)
  get_target_property(_directories ${_target} INTERFACE_INCLUDE_DIRECTORIES)
  if(NOT _directories)
    continue()
  endif()
  set(_kept "")
  foreach(_directory IN LISTS _directories)
    if(NOT IS_ABSOLUTE "${_directory}" OR EXISTS "${_directory}")
      list(APPEND _kept "${_directory}")
    endif()
  endforeach()
  set_target_properties(${_target} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${_kept}")
endforeach()
