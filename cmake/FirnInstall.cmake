# Installs firn::firn, and what finds it: find_package(firn) and firn.pc.
include_guard()
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/firn)

install(TARGETS firn EXPORT firnTargets FILE_SET HEADERS)
install(EXPORT firnTargets NAMESPACE firn:: DESTINATION ${config_dir})

configure_package_config_file(cmake/firnConfig.cmake.in cmake/firnConfig.cmake
  INSTALL_DESTINATION ${config_dir}
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(cmake/firnConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/cmake/firnConfig.cmake
  ${PROJECT_BINARY_DIR}/cmake/firnConfigVersion.cmake
  DESTINATION ${config_dir})

# firn.pc finds everything from its own place, so the installed tree may be moved.
set(pc_dir ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig)
file(RELATIVE_PATH pc_to_prefix ${pc_dir} ${CMAKE_INSTALL_PREFIX})
file(RELATIVE_PATH pc_to_lib ${pc_dir} ${CMAKE_INSTALL_FULL_LIBDIR})
file(RELATIVE_PATH pc_to_include ${pc_dir} ${CMAKE_INSTALL_FULL_INCLUDEDIR})
foreach(path IN ITEMS prefix lib include)
  string(REGEX REPLACE "/$" "" pc_to_${path} "${pc_to_${path}}")
endforeach()
foreach(visibility IN ITEMS PUBLIC PRIVATE)
  list(JOIN FIRN_${visibility}_ABSL " " pc_${visibility}_requires)
  string(REPLACE "absl::" "absl_" pc_${visibility}_requires "${pc_${visibility}_requires}")
endforeach()
set(pc_cflags "")
if(NOT BUILD_SHARED_LIBS)
  set(pc_cflags " -DFIRN_STATIC")
endif()
configure_file(cmake/firn.pc.in cmake/firn.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/cmake/firn.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
