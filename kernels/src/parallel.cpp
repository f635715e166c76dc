#include "parallel.h"

#include <dlfcn.h>
#include <stdlib.h>

#include <atomic>

namespace pdnn {
namespace {

struct OpenMP {
  void (*parallel)(void (*run)(void*), void* data, unsigned threads, unsigned flags);
  int (*thread_num)();
  int (*num_threads)();
};

// torch's own OpenMP calls bind to the first definition in the process's global scope, and so does this lookup: a
// preloaded runtime takes precedence over torch's own. Without a global definition, torch's dependencies are searched.
void* find(const char* name) {
  if (void* symbol = dlsym(RTLD_DEFAULT, name)) return symbol;
  void* torch = dlopen("libtorch_cpu.so", RTLD_LAZY | RTLD_NOLOAD);
  return torch ? dlsym(torch, name) : nullptr;
}

const OpenMP& openmp() {
  static const OpenMP found = {
      reinterpret_cast<decltype(OpenMP::parallel)>(find("GOMP_parallel")),
      reinterpret_cast<decltype(OpenMP::thread_num)>(find("omp_get_thread_num")),
      reinterpret_cast<decltype(OpenMP::num_threads)>(find("omp_get_num_threads")),
  };
  return found;
}

// A thread's share of the chunks: contiguous, so that neighbours in memory stay with one core and its NUMA node. Other
// threads take over chunks that a slow thread has not begun.
struct alignas(64) Share {
  std::atomic<int64_t> next;
  int64_t end;
};

struct Region {
  double (*task)(const void*, int64_t);
  const void* job;
  double* sums;
  Share* shares;
  int threads;
};

void run_share(const Region& region, int owner) {
  Share& share = region.shares[owner];
  for (int64_t i; (i = share.next.fetch_add(1, std::memory_order_relaxed)) < share.end;)
    region.sums[i] = region.task(region.job, i);
}

void run_thread(void* data) {
  const Region& region = *static_cast<Region*>(data);
  const int self = openmp().thread_num();
  for (int i = 0; i < region.threads; ++i) run_share(region, (self + i) % region.threads);
}

}  // namespace

double parallel_sum(double (*task)(const void*, int64_t), const void* job, int64_t chunks, int threads) {
  constexpr int kMaxThreads = 1024;
  if (threads > chunks) threads = int(chunks);
  if (threads > kMaxThreads) threads = kMaxThreads;
  double sum = 0;
  if (threads <= 1 || !openmp().parallel || !openmp().thread_num) {
    for (int64_t i = 0; i < chunks; ++i) sum += task(job, i);
    return sum;
  }
  double* sums = static_cast<double*>(malloc(size_t(chunks) * sizeof(double)));
  Share* shares = static_cast<Share*>(aligned_alloc(alignof(Share), size_t(threads) * sizeof(Share)));
  for (int i = 0; i < threads; ++i) {
    shares[i].next.store(chunks * i / threads, std::memory_order_relaxed);
    shares[i].end = chunks * (i + 1) / threads;
  }
  Region region{task, job, sums, shares, threads};
  openmp().parallel(run_thread, &region, unsigned(threads), 0);
  for (int64_t i = 0; i < chunks; ++i) sum += sums[i];
  free(shares);
  free(sums);
  return sum;
}

const char* openmp_runtime() {
  Dl_info info;
  if (openmp().parallel && dladdr(reinterpret_cast<void*>(openmp().parallel), &info)) return info.dli_fname;
  return "";
}

}  // namespace pdnn
