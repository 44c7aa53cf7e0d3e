# Makes a build read every source and produce nothing: each "object" and "binary" is an empty stamp.
# Ninja still runs in parallel and knows the headers, so a second build checks only what changed.
include_guard()

set(CMAKE_CXX_COMPILE_OBJECT
  "<CMAKE_CXX_COMPILER> <DEFINES> <INCLUDES> <FLAGS> -fsyntax-only <SOURCE>"
  "${CMAKE_COMMAND} -E touch <OBJECT>")
set(touch_target "${CMAKE_COMMAND} -E touch <TARGET>")
set(CMAKE_CXX_CREATE_STATIC_LIBRARY ${touch_target})
set(CMAKE_CXX_CREATE_SHARED_LIBRARY ${touch_target})
set(CMAKE_CXX_LINK_EXECUTABLE ${touch_target})
