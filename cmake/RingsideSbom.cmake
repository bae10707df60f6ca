# Run by cpack: beside each package lies a document of what it consists of, PACKAGE.deb.spdx.json (deploy/sbom.py).
foreach(package IN LISTS CPACK_PACKAGE_FILES)
  get_filename_component(name ${package} NAME)
  execute_process(
    COMMAND ${CPACK_RINGSIDE_PYTHON} ${CPACK_RINGSIDE_SOURCE}/deploy/sbom.py package ${package}
            --program ${CPACK_RINGSIDE_BUILD}/bin/ringside --build ${CPACK_RINGSIDE_BUILD}
            --out ${CPACK_PACKAGE_DIRECTORY}/${name}.spdx.json
    COMMAND_ERROR_IS_FATAL ANY)
endforeach()
