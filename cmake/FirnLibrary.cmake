# firn::firn, the only library that is installed.
include_guard()

file(GLOB public_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/firn/*.h)

add_library(firn
  $<TARGET_OBJECTS:firn_mvcc>
  $<TARGET_OBJECTS:firn_iterator>
  $<TARGET_OBJECTS:firn_engine>)
add_library(firn::firn ALIAS firn)
firn_target_defaults(firn)
target_sources(firn PUBLIC
  FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${public_headers})
target_link_libraries(firn
  PUBLIC ${FIRN_PUBLIC_ABSL}
  PRIVATE ${FIRN_PRIVATE_ABSL} ${FIRN_STORE_LIBRARIES} Threads::Threads)
if(NOT BUILD_SHARED_LIBS)
  target_compile_definitions(firn PUBLIC FIRN_STATIC)
endif()
if(NOT FIRN_SANITIZE)
  # A function without a body fails here, not in a user's link.
  target_link_options(firn PRIVATE LINKER:--no-undefined)
endif()
set_target_properties(firn PROPERTIES
  LINKER_LANGUAGE CXX
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR})
