# The version: what `git describe` says without the v of its tag, as long as there is a tag. Without one it is the number
# in the file VERSION and, in the same form, how many commits there are and which is the last: 0.1.0-213-g89c3f9c. A tree
# without git, such as a tarball, has the file alone. All of them are versions for Debian's package manager, and tags for
# images.
#
# As a script (cmake -D OUT=DIRECTORY -P), it writes DIRECTORY/version.txt and version.cc, where they differ from what is
# there: the build does so each time, for a commit configures nothing anew. -D RINGSIDE_VERSION=... is taken instead, as
# the image's build needs, which sees no git.

function(ringside_version root out)
  file(STRINGS ${root}/VERSION version LIMIT_COUNT 1)
  find_program(GIT git)
  # Whoever builds a tree trusts it, whose ever it is.
  set(git ${GIT} -c safe.directory=* -C ${root})
  # A tree below another project's is none of that project's commits.
  if(NOT "${RINGSIDE_VERSION}" STREQUAL "")
    set(version "${RINGSIDE_VERSION}")
  elseif(GIT AND EXISTS ${root}/.git)
    execute_process(COMMAND ${git} describe --tags --match v* OUTPUT_VARIABLE described RESULT_VARIABLE failed
                    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(failed EQUAL 0 AND described MATCHES "^v([0-9][A-Za-z0-9.+~-]*)$")
      set(version ${CMAKE_MATCH_1})
    else()
      execute_process(COMMAND ${git} rev-list --count HEAD OUTPUT_VARIABLE count RESULT_VARIABLE failed
                      OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
      execute_process(COMMAND ${git} rev-parse --short HEAD OUTPUT_VARIABLE commit ERROR_QUIET
                      OUTPUT_STRIP_TRAILING_WHITESPACE)
      if(failed EQUAL 0)
        set(version ${version}-${count}-g${commit})
      endif()
    endif()
  endif()
  set(${out} ${version} PARENT_SCOPE)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
  cmake_policy(VERSION 3.25)
  get_filename_component(root ${CMAKE_CURRENT_LIST_DIR} DIRECTORY)
  ringside_version(${root} version)
  file(CONFIGURE OUTPUT ${OUT}/version.txt CONTENT "@version@\n" @ONLY)
  file(CONFIGURE OUTPUT ${OUT}/version.cc CONTENT [[
// Written by cmake/RingsideVersion.cmake.
#include "sidecar/cli/version.h"

const char* const ringside::kVersion = "@version@";
]] @ONLY)
endif()
