#include "sidecar/admin/process_metrics.h"

#include <fstream>
#include <sstream>
#include <string>

#include <unistd.h>

#include "sidecar/process/descriptor_shares.h"

namespace ringside::admin {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily family(const char* name, const char* help, MetricType type, double value) {
  MetricFamily out;
  out.name = name;
  out.help = help;
  out.type = type;
  ClientMetric metric;
  if (type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
  out.metric.push_back(std::move(metric));
  return out;
}

// Fields 3 and on of /proc/self/stat: the name before them may hold anything.
std::vector<double> stat_fields() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  std::getline(file, line);
  std::istringstream rest(line.substr(std::min(line.size(), line.rfind(')') + 3)));
  std::vector<double> fields;
  for (double value = 0; rest >> value;) fields.push_back(value);
  return fields;
}

double boot_time() {
  std::ifstream file("/proc/stat");
  std::string word;
  double value = 0;
  while (file >> word) {
    if (word == "btime" && file >> value) return value;
  }
  return 0;
}

}  // namespace

std::vector<MetricFamily> process_metrics() {
  const std::vector<double> fields = stat_fields();
  // proc(5): utime 14, stime 15, starttime 22, vsize 23, rss 24; the first one here is 4.
  const auto field = [&](std::size_t number) { return number - 4 < fields.size() ? fields[number - 4] : 0.0; };
  const auto ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
  const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
  return {
      family("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", MetricType::Counter,
             (field(14) + field(15)) / ticks),
      family("process_open_fds", "Number of open file descriptors.", MetricType::Gauge,
             static_cast<double>(process::open_descriptors())),
      family("process_max_fds", "Maximum number of open file descriptors.", MetricType::Gauge,
             static_cast<double>(process::descriptor_limit())),
      family("process_virtual_memory_bytes", "Virtual memory size in bytes.", MetricType::Gauge, field(23)),
      family("process_resident_memory_bytes", "Resident memory size in bytes.", MetricType::Gauge, field(24) * page),
      family("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", MetricType::Gauge,
             boot_time() + field(22) / ticks),
  };
}

}  // namespace ringside::admin
