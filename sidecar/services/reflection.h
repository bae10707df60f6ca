// gRPC server reflection, v1 and v1alpha: which services there are, and the .proto files of these and of all that is in
// a pool of descriptors, so that tools need no files of their own. Loop thread only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <google/protobuf/descriptor.h>

#include "sidecar/net/grpc/method_table.h"

namespace ringside::services {

class Reflection {
 public:
  // By default all that is compiled into this program. The pool outlives this object.
  explicit Reflection(
      const google::protobuf::DescriptorPool& pool = *google::protobuf::DescriptorPool::generated_pool())
      : pool_(pool) {}

  // Lists the services that the table has when it is asked.
  void add_methods(net::MethodTable& table);
  // Ends every stream, and takes no more.
  void stop();

 private:
  void serve(net::ServerCall& call, const net::MethodTable& table);
  // The serialized file; kept, as there are few, and a client may ask for it over and over.
  const std::string& serialized(const google::protobuf::FileDescriptor& file);

  const google::protobuf::DescriptorPool& pool_;
  std::map<const google::protobuf::FileDescriptor*, std::string> files_;
  std::vector<std::shared_ptr<net::OpenStreams>> open_;  // of each table
};

}  // namespace ringside::services
