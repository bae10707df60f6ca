# What every target of ours is built with, and where the libraries come from (Debian 12's own packages).

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

find_program(CCACHE ccache)
if(CCACHE)
  # Without the sloppiness ccache leaves everything alone that uses a precompiled header. With the base directory, another
  # checkout of the same tree is built from the same cache.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

set(RINGSIDE_SLOWER 3)  # how much more time tests get under a sanitizer
set(RINGSIDE_SANITIZE "" CACHE STRING "Sanitizers for everything of ours, for example address,undefined")
if(RINGSIDE_SANITIZE)
  add_compile_options(-fsanitize=${RINGSIDE_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${RINGSIDE_SANITIZE})
  if(RINGSIDE_SANITIZE MATCHES "thread")
    # TSan knows no fences; Asio's mutexes order what its threads do.
    add_compile_definitions(BOOST_ASIO_DISABLE_FENCED_BLOCK)
    add_compile_options(-Wno-tsan)
  endif()
endif()

include(RingsideHardening)

find_package(Threads REQUIRED)
add_compile_options(-pthread)  # some libraries ask for it, and precompiled headers are shared only among equals
find_package(Protobuf MODULE REQUIRED)
find_package(gRPC CONFIG REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED COMPONENTS core)
find_package(absl CONFIG REQUIRED)
find_package(fmt CONFIG REQUIRED)
find_package(CLI11 CONFIG REQUIRED)
find_package(nlohmann_json CONFIG REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(ZLIB REQUIRED)
find_package(GTest CONFIG REQUIRED)
find_package(benchmark CONFIG)
find_package(PkgConfig REQUIRED)
# Debian's own, which has Debian's grpcio and pytest; another one first in the PATH has neither.
if(EXISTS /usr/bin/python3 AND NOT Python3_EXECUTABLE)
  set(Python3_EXECUTABLE /usr/bin/python3)
endif()
find_package(Python3 REQUIRED COMPONENTS Interpreter)
pkg_check_modules(NGHTTP2 REQUIRED IMPORTED_TARGET libnghttp2)
pkg_check_modules(XXHASH REQUIRED IMPORTED_TARGET libxxhash)
pkg_check_modules(CARES REQUIRED IMPORTED_TARGET libcares)
pkg_check_modules(TOMLPLUSPLUS REQUIRED IMPORTED_TARGET tomlplusplus)
find_program(GRPC_CPP_PLUGIN grpc_cpp_plugin REQUIRED)

# What a sanitizer run builds (./run test --sanitize), and nothing else: two more cold builds have to fit its time.
add_custom_target(ringside_sanitize_targets)

# ringside_library(NAME SOURCES ... [LIBRARIES ...] [HEADERS pure]): one library for one folder, our warnings as errors.
# HEADERS: the precompiled ones; io where nothing is said.
function(ringside_library name)
  cmake_parse_arguments(ARG "" "HEADERS" "SOURCES;LIBRARIES" ${ARGN})
  add_library(${name} STATIC ${ARG_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${ARG_LIBRARIES})
  ringside_warnings(${name})
  ringside_use_headers(${name} "${ARG_HEADERS}")
endfunction()

# ringside_executable(NAME SOURCES ... [LIBRARIES ...] [HEADERS ...]): the same for a program, in build/<preset>/bin.
function(ringside_executable name)
  cmake_parse_arguments(ARG "" "HEADERS" "SOURCES;LIBRARIES" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE ${ARG_LIBRARIES})
  ringside_warnings(${name})
  ringside_use_headers(${name} "${ARG_HEADERS}")
endfunction()

# ringside_test(NAME SOURCES ... [LIBRARIES ...] [HEADERS pure_test] [LABELS ...] [TIMEOUT seconds] [NO_SANITIZE]): a
# GoogleTest program as one ctest test. It runs under the sanitizers as well, unless told otherwise.
function(ringside_test name)
  cmake_parse_arguments(ARG "NO_SANITIZE" "TIMEOUT;HEADERS" "SOURCES;LIBRARIES;LABELS" ${ARGN})
  if(NOT ARG_HEADERS)
    set(ARG_HEADERS test)
  endif()
  ringside_executable(${name} SOURCES ${ARG_SOURCES} LIBRARIES ${ARG_LIBRARIES} GTest::gtest_main GTest::gmock
                      HEADERS ${ARG_HEADERS})
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set(sanitizers asan tsan)
  if(ARG_NO_SANITIZE)
    set(sanitizers "")
  else()
    add_dependencies(ringside_sanitize_targets ${name})
  endif()
  ringside_test_properties(${name} "${ARG_LABELS}" "${ARG_TIMEOUT}" "${sanitizers}")
endfunction()

# ringside_pytest(NAME FILES ... [NEEDS target ...] [LABELS ...] [TIMEOUT seconds] [NO_SANITIZE | TSAN]): pytest over some
# files, as one ctest test; the tests find the build by the environment's BUILD_UNDER_TEST. It runs on programs with the
# address sanitizer as well, unless told otherwise, and with TSAN on those with the thread sanitizer.
function(ringside_pytest name)
  cmake_parse_arguments(ARG "NO_SANITIZE;TSAN" "TIMEOUT" "FILES;NEEDS;LABELS" ${ARGN})
  if(NOT ARG_LABELS)
    set(ARG_LABELS integration)
  endif()
  add_test(NAME ${name} COMMAND Python3::Interpreter -m pytest -q -p no:cacheprovider ${ARG_FILES}
           WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
  set(sanitizers asan)
  if(ARG_TSAN)
    list(APPEND sanitizers tsan)
  endif()
  if(ARG_NO_SANITIZE)
    set(sanitizers "")
  elseif(ARG_NEEDS)
    add_dependencies(ringside_sanitize_targets ${ARG_NEEDS})
  endif()
  ringside_test_properties(${name} "${ARG_LABELS}" "${ARG_TIMEOUT}" "${sanitizers}")
  set_property(TEST ${name} APPEND PROPERTY ENVIRONMENT PYTHONDONTWRITEBYTECODE=1 BUILD_UNDER_TEST=${CMAKE_BINARY_DIR})
  if(RINGSIDE_SANITIZE)
    set_property(TEST ${name} APPEND PROPERTY ENVIRONMENT PATIENCE_FACTOR=${RINGSIDE_SLOWER})
  endif()
endfunction()

# ringside_bench(NAME SOURCES ... [LIBRARIES ...]): a Google Benchmark program for ./run bench. The tests run it for a
# moment, so that it never rots.
function(ringside_bench name)
  if(NOT benchmark_FOUND OR RINGSIDE_SANITIZE)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBRARIES" ${ARGN})
  ringside_executable(${name} SOURCES ${ARG_SOURCES} LIBRARIES ${ARG_LIBRARIES} benchmark::benchmark_main HEADERS pure)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
  add_test(NAME ${name}_smoke COMMAND ${name} --benchmark_min_time=0.001 --benchmark_filter=-/10000000)
  set_tests_properties(${name}_smoke PROPERTIES LABELS bench TIMEOUT 120)
endfunction()

# `sanitizers`: the presets (asan, tsan) that run it besides.
function(ringside_test_properties name labels timeout sanitizers)
  list(APPEND labels ${sanitizers})
  if(NOT timeout)
    set(timeout 120)
  endif()
  if(RINGSIDE_SANITIZE)
    math(EXPR timeout "${timeout} * ${RINGSIDE_SLOWER}")
  endif()
  set(supp ${PROJECT_SOURCE_DIR}/.ci/suppressions)
  set_tests_properties(${name} PROPERTIES LABELS "${labels}" TIMEOUT ${timeout} ENVIRONMENT
    "ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1;LSAN_OPTIONS=suppressions=${supp}/lsan.txt:print_suppressions=0;UBSAN_OPTIONS=print_stacktrace=1;TSAN_OPTIONS=suppressions=${supp}/tsan.txt:second_deadlock_stack=1:history_size=4")
endfunction()

# ringside_folders(FOLDER ...): each of them; one that does not exist is an error.
function(ringside_folders)
  foreach(folder ${ARGN})
    add_subdirectory(${folder})
  endforeach()
endfunction()

function(ringside_warnings name)
  target_compile_options(${name} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wconversion
                                         -Wno-sign-conversion -Werror)
  if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_compile_options(${name} PRIVATE -Wthread-safety)
  elseif(RINGSIDE_SANITIZE)
    # GCC 12 sees uninitialised and dangling values in its own instrumentation.
    target_compile_options(${name} PRIVATE -Wno-maybe-uninitialized -Wno-error=stringop-overflow -Wno-error=array-bounds)
  endif()
endfunction()

# Headers that are parsed once for many sources: ringside_headers(KIND LIBRARIES ... HEADERS ...) makes them,
# ringside_use_headers(TARGET KIND) has a target use them. A source names what it needs all the same: lint compiles it
# without them.
function(ringside_headers kind)
  cmake_parse_arguments(ARG "" "" "LIBRARIES;HEADERS" ${ARGN})
  add_library(ringside_headers_${kind} OBJECT ${PROJECT_SOURCE_DIR}/cmake/headers.cc)
  target_link_libraries(ringside_headers_${kind} PRIVATE ${ARG_LIBRARIES})
  target_precompile_headers(ringside_headers_${kind} PRIVATE ${ARG_HEADERS})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(ringside_headers_${kind} PRIVATE -fpch-preprocess)  # for ccache
  endif()
  ringside_quicker(ringside_headers_${kind} ${kind})
  ringside_warnings(ringside_headers_${kind})
endfunction()

function(ringside_use_headers name kind)
  if(NOT kind)
    set(kind io)
  endif()
  target_precompile_headers(${name} REUSE_FROM ringside_headers_${kind})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${name} PRIVATE -fpch-preprocess)
  endif()
  ringside_quicker(${name} ${kind})
endfunction()

# Under the sanitizers most programs take longer to compile than to run, and are not optimised; the core and the
# simulator, which run for long, are.
function(ringside_quicker name kind)
  if(RINGSIDE_SANITIZE AND kind STREQUAL "pure")
    target_compile_options(${name} PRIVATE -O1)
  endif()
endfunction()

set(pure_headers <algorithm> <array> <chrono> <cstdint> <deque> <functional> <map> <memory> <optional> <set> <string>
                 <string_view> <unordered_map> <utility> <variant> <vector>)
set(io_headers ${pure_headers} <fstream> <iostream> <sstream> <absl/container/flat_hash_map.h>
               <absl/functional/any_invocable.h> <boost/asio/generic/stream_protocol.hpp> <boost/asio/ip/tcp.hpp>
               <google/protobuf/any.pb.h> <nlohmann/json.hpp>)
set(io_libraries Boost::headers absl::any_invocable absl::flat_hash_map nlohmann_json::nlohmann_json protobuf::libprotobuf)
ringside_headers(pure HEADERS ${pure_headers})
ringside_headers(pure_test LIBRARIES GTest::gtest GTest::gmock HEADERS ${pure_headers} <gmock/gmock.h> <gtest/gtest.h>)
ringside_headers(io LIBRARIES ${io_libraries} HEADERS ${io_headers})
ringside_headers(test LIBRARIES ${io_libraries} GTest::gtest GTest::gmock HEADERS ${io_headers} <gmock/gmock.h> <gtest/gtest.h>)
