# Read by cpack, not by cmake: the package has the version of the program that was built.
file(STRINGS ${CPACK_RINGSIDE_VERSION_FILE} CPACK_PACKAGE_VERSION LIMIT_COUNT 1)
