# The words that every folder's CMakeLists.txt is written in:
#
#   firn_library(<layer> SOURCES <file>... [DEPENDS <target>...])
#   firn_executable(<target> SOURCES <file>... [DEPENDS <target>...] [OUTPUT_NAME <name>])
#   firn_test(<folder>/<name> [DEPENDS <target>...] [ARGS <arg>...] [LABELS <label>...] [TIMEOUT <s>])
#   firn_bench(<name> [DEPENDS <target>...])
#   firn_smoke_test(<target> [<arg>...])
include_guard()

# Warnings, sanitizers and invariants, the same for every target of ours and for nobody else's.
function(firn_target_defaults target)
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wextra-semi
    # Lock annotations, which only Clang reads; and a part of C++14 that it leaves out by default.
    $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety -fsized-deallocation>
    # False alarms on std::string operator+ (GCC bug 105651).
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>)
  set_target_properties(${target} PROPERTIES
    CXX_EXTENSIONS OFF
    COMPILE_WARNING_AS_ERROR ${FIRN_WERROR})
  if(FIRN_INVARIANTS)
    target_compile_definitions(${target} PRIVATE FIRN_INVARIANTS=1)
  endif()
  if(FIRN_SANITIZE)
    list(JOIN FIRN_SANITIZE "," sanitizers)
    target_compile_options(${target} PRIVATE
      -fsanitize=${sanitizers} -fno-sanitize-recover=all -fno-omit-frame-pointer
      # Instrumented code looks uninitialized to GCC (bug 105562).
      $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
    target_link_options(${target} PRIVATE -fsanitize=${sanitizers})
  endif()
endfunction()

# One layer, as an archive that the layers above, its own tests and firn::firn are made of.
function(firn_library layer)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;DEPENDS")
  set(target firn_${layer})
  # CMakeLists.txt is there for a layer of headers alone.
  add_library(${target} STATIC CMakeLists.txt ${arg_SOURCES})
  add_library(firn::${layer} ALIAS ${target})
  firn_target_defaults(${target})
  target_include_directories(${target} PUBLIC
    ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/include)
  target_link_libraries(${target} PUBLIC ${arg_DEPENDS})
  # The same objects also go into libfirn: only FIRN_EXPORT is seen outside it, and calls inside it
  # stay direct.
  target_compile_options(${target} PRIVATE -fno-semantic-interposition)
  set_target_properties(${target} PROPERTIES
    LINKER_LANGUAGE CXX
    POSITION_INDEPENDENT_CODE ON
    CXX_VISIBILITY_PRESET hidden
    VISIBILITY_INLINES_HIDDEN ON)
  if(NOT BUILD_SHARED_LIBS)
    target_compile_definitions(${target} PUBLIC FIRN_STATIC)
  endif()
endfunction()

function(firn_executable target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "OUTPUT_NAME" "SOURCES;DEPENDS")
  add_executable(${target} ${arg_SOURCES})
  firn_target_defaults(${target})
  target_link_libraries(${target} PRIVATE ${arg_DEPENDS})
  if(arg_OUTPUT_NAME)
    set_target_properties(${target} PROPERTIES OUTPUT_NAME ${arg_OUTPUT_NAME})
  endif()
endfunction()

# One GoogleTest binary from tests/<name>.cc, run as one test labelled with its folder. It has the
# machine to itself, as its threads and its limits in time want it, unless it is marked SHARES_MACHINE.
function(firn_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SHARES_MACHINE" "TIMEOUT" "DEPENDS;ARGS;LABELS")
  string(REPLACE "/" "_" target ${name})
  string(REGEX MATCH "^[^/]+" folder ${name})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  # Test support comes before the layers: it uses what the test links below it.
  firn_executable(${target}
    SOURCES ${PROJECT_SOURCE_DIR}/tests/${name}.cc
    DEPENDS GTest::gtest_main GTest::gtest GTest::gmock $<TARGET_NAME_IF_EXISTS:firn_test_support>
            ${arg_DEPENDS})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  target_compile_definitions(${target} PRIVATE FIRN_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  if(TARGET firn_test_support)
    target_precompile_headers(${target} REUSE_FROM firn_test_support)
  endif()
  add_test(NAME ${name} COMMAND ${target} ${arg_ARGS})
  set_tests_properties(${name} PROPERTIES
    LABELS "${folder};${arg_LABELS}"
    TIMEOUT ${arg_TIMEOUT})
  if(NOT arg_SHARES_MACHINE)
    set_tests_properties(${name} PROPERTIES RUN_SERIAL TRUE)
  endif()
endfunction()

# One Google Benchmark program from bench/<name>.cc.
function(firn_bench name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "DEPENDS")
  firn_executable(${name}
    SOURCES ${PROJECT_SOURCE_DIR}/bench/${name}.cc
    DEPENDS ${arg_DEPENDS} benchmark::benchmark_main benchmark::benchmark)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  firn_smoke_test(${name} --benchmark_min_time=0.001)
endfunction()

# A tiny run of a benchmark is a test, so none rots.
function(firn_smoke_test program)
  add_test(NAME bench_smoke/${program} COMMAND ${program} ${ARGN})
  set_tests_properties(bench_smoke/${program} PROPERTIES
    LABELS bench_smoke
    ENVIRONMENT FIRN_BENCH_SMOKE=1
    RUN_SERIAL TRUE
    TIMEOUT 120)
endfunction()
