#include "sidecar/services/reflection.h"

#include <set>
#include <utility>

#include <google/protobuf/descriptor.pb.h>
#include <grpc/reflection/v1/reflection.pb.h>
#include <grpc/reflection/v1alpha/reflection.pb.h>

namespace ringside::services {
namespace {

namespace v1 = grpc::reflection::v1;
namespace pb = google::protobuf;

constexpr std::size_t kMaxRequest = 4096;  // a name or two
// A tool has one stream, or two: it tries v1 and then v1alpha.
constexpr std::size_t kMaxOfConnection = 8;
constexpr std::size_t kMaxStreams = 100;

// The file and all that it imports, each once, what is imported first.
void collect(const pb::FileDescriptor& file, std::set<const pb::FileDescriptor*>& seen,
             std::vector<const pb::FileDescriptor*>& files) {
  if (!seen.insert(&file).second) return;
  for (int i = 0; i < file.dependency_count(); ++i) collect(*file.dependency(i), seen, files);
  files.push_back(&file);
}

void fail(v1::ServerReflectionResponse& response, net::GrpcStatus status, const std::string& message) {
  response.mutable_error_response()->set_error_code(static_cast<int>(status));
  response.mutable_error_response()->set_error_message(message);
}

// The file that a request asks for; null where there is none.
const pb::FileDescriptor* find_file(const pb::DescriptorPool& pool, const v1::ServerReflectionRequest& request) {
  switch (request.message_request_case()) {
    case v1::ServerReflectionRequest::kFileByFilename:
      return pool.FindFileByName(request.file_by_filename());
    case v1::ServerReflectionRequest::kFileContainingSymbol:
      return pool.FindFileContainingSymbol(request.file_containing_symbol());
    case v1::ServerReflectionRequest::kFileContainingExtension: {
      const auto& wanted = request.file_containing_extension();
      const pb::Descriptor* type = pool.FindMessageTypeByName(wanted.containing_type());
      const pb::FieldDescriptor* extension =
          type == nullptr ? nullptr : pool.FindExtensionByNumber(type, wanted.extension_number());
      return extension == nullptr ? nullptr : extension->file();
    }
    default:
      return nullptr;
  }
}

}  // namespace

void Reflection::add_methods(net::MethodTable& table) {
  pb::LinkMessageReflection<grpc::reflection::v1alpha::ServerReflectionRequest>();  // so that it describes itself
  // One for both: their messages are the same on the wire.
  const auto open = open_.emplace_back(std::make_shared<net::OpenStreams>(kMaxOfConnection, kMaxStreams));
  for (const char* service : {"grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"}) {
    net::Method method;
    method.handler = [this, &table](const std::shared_ptr<net::ServerCall>& call) { serve(*call, table); };
    method.streams_requests = true;
    method.open_streams = open;
    method.max_message = kMaxRequest;
    table.add("/" + std::string(service) + "/ServerReflectionInfo", std::move(method));
  }
}

void Reflection::stop() {
  for (const auto& open : open_) open->stop();
}

void Reflection::serve(net::ServerCall& call, const net::MethodTable& table) {
  v1::ServerReflectionResponse response;
  v1::ServerReflectionRequest& request = *response.mutable_original_request();
  if (!request.ParseFromString(call.take_message())) {
    return call.finish(net::GrpcStatus::kInvalidArgument, "not a serialized ServerReflectionRequest");
  }
  response.set_valid_host(request.host());
  switch (request.message_request_case()) {
    case v1::ServerReflectionRequest::kListServices:
      for (const std::string& name : table.services()) {
        response.mutable_list_services_response()->add_service()->set_name(name);
      }
      break;
    case v1::ServerReflectionRequest::kAllExtensionNumbersOfType: {
      const std::string& name = request.all_extension_numbers_of_type();
      const pb::Descriptor* type = pool_.FindMessageTypeByName(name);
      if (type == nullptr) {
        fail(response, net::GrpcStatus::kNotFound, "no such type: " + name);
        break;
      }
      std::vector<const pb::FieldDescriptor*> extensions;
      pool_.FindAllExtensions(type, &extensions);
      auto& numbers = *response.mutable_all_extension_numbers_response();
      numbers.set_base_type_name(name);
      for (const pb::FieldDescriptor* extension : extensions) numbers.add_extension_number(extension->number());
      break;
    }
    case v1::ServerReflectionRequest::MESSAGE_REQUEST_NOT_SET:
      fail(response, net::GrpcStatus::kInvalidArgument, "the request asks for nothing that is known here");
      break;
    default: {
      const pb::FileDescriptor* file = find_file(pool_, request);
      if (file == nullptr) {
        fail(response, net::GrpcStatus::kNotFound, "no such file, symbol or extension");
        break;
      }
      std::set<const pb::FileDescriptor*> seen;
      std::vector<const pb::FileDescriptor*> files;
      collect(*file, seen, files);
      // The file itself first, as clients expect that look at no other.
      for (auto one = files.rbegin(); one != files.rend(); ++one) {
        response.mutable_file_descriptor_response()->add_file_descriptor_proto(serialized(**one));
      }
    }
  }
  call.send(response.SerializeAsString());
}

const std::string& Reflection::serialized(const pb::FileDescriptor& file) {
  std::string& kept = files_[&file];
  if (kept.empty()) {
    pb::FileDescriptorProto proto;
    file.CopyTo(&proto);
    kept = proto.SerializeAsString();
  }
  return kept;
}

}  // namespace ringside::services
