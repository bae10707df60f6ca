# What makes a fault harder to use, in what ships: release builds, for the sanitizers look for faults by themselves. What it
# costs is measured in docs/performance.md; tests/packaging/test_hardening.py looks for it in the program.
if(RINGSIDE_SANITIZE OR CMAKE_BUILD_TYPE STREQUAL "Debug")
  return()
endif()

# Everything of ours, whatever the compiler's defaults: position-independent, so that addresses are spread; canaries below
# return addresses; large stack frames that touch every page; copies that know the size of what they write to; containers
# that end the process where they are used beyond their end; variables that begin as zero.
add_compile_options(-fPIE -fstack-protector-strong -fstack-clash-protection -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3
                    -D_GLIBCXX_ASSERTIONS -Wformat -Werror=format-security)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  add_compile_options(-ftrivial-auto-var-init=zero)
endif()
# Where indirect jumps and returns may lead. The kernel holds a program to it only if all that is linked into it says so,
# and the C library of Debian 12 does not yet.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  add_compile_options(-fcf-protection=full)
elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
  add_compile_options(-mbranch-protection=standard)
endif()
# Every address is bound at the start, and its table read-only from then on; no stack is executable; code has pages of its
# own.
add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack,-z,separate-code)
