# ringside_proto(NAME FILES ...): the messages of some .proto files as a library, generated below build/proto.
# ringside_grpc(NAME FILES ... LIBRARIES ...): the service classes of the same, for what goes through gRPC's library.

set(RINGSIDE_PROTO_OUT ${CMAKE_BINARY_DIR}/proto)
file(MAKE_DIRECTORY ${RINGSIDE_PROTO_OUT})
add_custom_target(ringside_generated)  # the generated sources alone: what a linter needs

function(ringside_protoc name suffix)
  cmake_parse_arguments(ARG "" "" "FILES;LIBRARIES;OPTIONS" ${ARGN})
  set(sources "")
  foreach(file ${ARG_FILES})
    string(REPLACE ".proto" "" base ${file})
    set(generated ${RINGSIDE_PROTO_OUT}/${base}${suffix}.cc ${RINGSIDE_PROTO_OUT}/${base}${suffix}.h)
    add_custom_command(
      OUTPUT ${generated}
      COMMAND ${Protobuf_PROTOC_EXECUTABLE} -I ${PROJECT_SOURCE_DIR}/proto ${ARG_OPTIONS} ${file}
      DEPENDS ${PROJECT_SOURCE_DIR}/proto/${file}
      WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}/proto
      COMMENT "protoc ${file} (${suffix})")
    list(APPEND sources ${generated})
  endforeach()
  add_library(${name} STATIC ${sources})
  add_custom_target(${name}_generated DEPENDS ${sources})
  add_dependencies(${name} ${name}_generated)
  add_dependencies(ringside_generated ${name}_generated)
  target_include_directories(${name} SYSTEM PUBLIC ${RINGSIDE_PROTO_OUT})
  target_link_libraries(${name} PUBLIC ${ARG_LIBRARIES})
endfunction()

function(ringside_proto name)
  ringside_protoc(${name} .pb ${ARGN} OPTIONS --cpp_out=${RINGSIDE_PROTO_OUT} LIBRARIES protobuf::libprotobuf)
endfunction()

function(ringside_grpc name)
  ringside_protoc(${name} .grpc.pb ${ARGN}
    OPTIONS --grpc_out=${RINGSIDE_PROTO_OUT} --plugin=protoc-gen-grpc=${GRPC_CPP_PLUGIN})
  target_link_libraries(${name} PUBLIC gRPC::grpc++)
endfunction()
