// Runs chunks of work on the OpenMP pool that torch has already loaded into the process.
#pragma once
#include <cstdint>

namespace pdnn {

// Returns the sum of task(job, i) for i in [0, chunks), in an order that does not depend on `threads`.
double parallel_sum(double (*task)(const void* job, int64_t chunk), const void* job, int64_t chunks, int threads);

// The file that the OpenMP runtime comes from; empty if the process has none, so that work runs on the calling thread.
const char* openmp_runtime();

}  // namespace pdnn
