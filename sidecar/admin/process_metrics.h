// process_*: what every Prometheus client library tells of its process, read from /proc.
// Source: https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics
#pragma once

#include <vector>

#include <prometheus/metric_family.h>

namespace ringside::admin {

std::vector<prometheus::MetricFamily> process_metrics();

}  // namespace ringside::admin
