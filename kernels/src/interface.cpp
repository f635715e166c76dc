// The plain C interface: raw pointers, sizes and strides in; everything checked and laid out before the loops run.
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernels.h"
#include "parallel.h"

using namespace pdnn;

extern "C" {

struct pdnn_tensor {
  void* data;  // null: absent
  const int64_t* strides;  // in elements
  int32_t dtype;
};

struct pdnn_focal_loss {
  const int64_t* sizes;
  int32_t ndim;
  int32_t threads;
  pdnn_tensor inputs, targets, upstream, loss, gradient;
  double positive_weight, negative_weight, gamma;
  const int64_t* labels;  // class-index form; null: dense targets
  const float* weights;
  int64_t background, ignore;
};

struct pdnn_frozen_batch_norm {
  int64_t images, channels, pixels;
  int32_t dtype, channels_last, relu, threads;
  const void *scale, *shift, *input, *residual, *upstream;
  void *output, *input_gradient, *residual_gradient;
};

struct pdnn_winograd {
  int32_t map, input_dtype, output_dtype, threads;
  int64_t images, height, width, channels;  // for weights: output channels, unused, unused, input channels
  int64_t image_stride;                     // of the picture, in elements
  const void *input, *bias;
  void* output;
};
}

namespace {

const InstructionSet* const kInstructionSets[] = {
#ifdef PDNN_X86
    &avx512::instruction_set,
    &avx2::instruction_set,
#endif
    &portable::instruction_set,
};

bool supported(const InstructionSet* set) {
#ifdef PDNN_X86
  if (set == &avx512::instruction_set)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (set == &avx2::instruction_set) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
  return set == &portable::instruction_set;
}

const InstructionSet* best() {
  for (const InstructionSet* set : kInstructionSets)
    if (supported(set)) return set;
  return nullptr;
}

const InstructionSet* active = best();

// A fresh large tensor costs one page fault per 4 KiB, several times as much as the arithmetic; huge pages need 512 times
// fewer.
void advise_huge_pages(void* data, int64_t bytes) {
  constexpr int64_t kWorthwhile = 4 << 20;
  if (!data || bytes < kWorthwhile) return;
#ifdef MADV_HUGEPAGE
  const uintptr_t page = uintptr_t(sysconf(_SC_PAGESIZE));
  const uintptr_t begin = (uintptr_t(data) + page - 1) / page * page;
  const uintptr_t end = (uintptr_t(data) + uintptr_t(bytes)) / page * page;
  madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);  // advice: the kernel may decline
#endif
}

int64_t element_size(int32_t dtype) { return dtype == kFloat64 ? 8 : dtype == kFloat32 ? 4 : 2; }

// The flat order: dimensions by decreasing stride of the leading operand, which is its memory order.
void order_dimensions(const pdnn_tensor& leading, int ndim, const int64_t* sizes, int* order) {
  int count = 0;
  for (int d = 0; d < ndim; ++d) {
    if (sizes[d] == 1) continue;
    int at = count++;
    for (; at > 0 && leading.strides[order[at - 1]] < leading.strides[d]; --at) order[at] = order[at - 1];
    order[at] = d;
  }
  order[count] = -1;
}

void set_operand(Operand& to, const pdnn_tensor& from, const Shape& shape, const int* order) {
  to.data = static_cast<char*>(from.data);
  to.dtype = from.dtype;
  to.flat = true;
  if (!from.data) return;
  int64_t dense = 1;
  for (int d = shape.ndim - 1; d >= 0; --d) {
    to.strides[d] = from.strides[order[d]];
    to.flat = to.flat && to.strides[d] == dense;
    dense *= shape.sizes[d];
  }
}

// Merges neighbouring dimensions that every operand steps through evenly.
void merge_dimensions(Shape& shape, Operand* const* operands, int operand_count) {
  int kept = 0;
  for (int d = 1; d < shape.ndim; ++d) {
    bool even = true;
    for (int i = 0; i < operand_count; ++i) {
      const Operand& o = *operands[i];
      even = even && (!o.data || o.strides[kept] == o.strides[d] * shape.sizes[d]);
    }
    if (even) {
      shape.sizes[kept] *= shape.sizes[d];
    } else {
      shape.sizes[++kept] = shape.sizes[d];
    }
    for (int i = 0; i < operand_count; ++i) operands[i]->strides[kept] = operands[i]->strides[d];
  }
  if (shape.ndim > 0) shape.ndim = kept + 1;
}

void lay_out(FocalLossJob& job, const pdnn_focal_loss& call) {
  int order[kMaxDims + 1];
  // With labels, the order of elements matters; otherwise any order that suits the memory layout will do.
  if (call.labels) {
    int count = 0;
    for (int d = 0; d < call.ndim; ++d)
      if (call.sizes[d] != 1) order[count++] = d;
    order[count] = -1;
  } else {
    const pdnn_tensor& leading = call.gradient.data ? call.gradient : call.loss.data ? call.loss : call.inputs;
    order_dimensions(leading, call.ndim, call.sizes, order);
  }
  Shape& shape = job.shape;
  shape.ndim = 0;
  shape.count = 1;
  for (; order[shape.ndim] >= 0; ++shape.ndim) {
    shape.sizes[shape.ndim] = call.sizes[order[shape.ndim]];
    shape.count *= shape.sizes[shape.ndim];
  }
  const pdnn_tensor* from[] = {&call.inputs, &call.targets, &call.upstream, &call.loss, &call.gradient};
  Operand* const to[] = {&job.inputs, &job.targets, &job.upstream, &job.loss, &job.gradient};
  for (int i = 0; i < 5; ++i) set_operand(*to[i], *from[i], shape, order);
  merge_dimensions(shape, to, 5);
  if (shape.ndim == 0) {  // one element
    shape.ndim = 1;
    shape.sizes[0] = 1;
    for (Operand* operand : to) operand->strides[0] = 1;
  }
}

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

struct ElementChunks {
  const FocalLossJob* job;
  static double run(const void* data, int64_t chunk) {
    const FocalLossJob& job = *static_cast<const ElementChunks*>(data)->job;
    const int64_t begin = chunk * kChunkElements, end = begin + kChunkElements;
    return active->focal_loss(job, begin, end < job.shape.count ? end : job.shape.count);
  }
};

template <class Job>
struct RowChunks {
  const Job* job;
  int64_t rows, rows_per_chunk;
  RowChunks(const Job& job, int64_t rows, int64_t columns) : job(&job), rows(rows) {
    rows_per_chunk = columns < kChunkElements ? kChunkElements / columns : 1;
  }
  int64_t count() const { return divide_up(rows, rows_per_chunk); }
  int64_t begin(int64_t chunk) const { return chunk * rows_per_chunk; }
  int64_t end(int64_t chunk) const { return begin(chunk + 1) < rows ? begin(chunk + 1) : rows; }
};

double run_focal_rows(const void* data, int64_t chunk) {
  const auto& chunks = *static_cast<const RowChunks<FocalLossJob>*>(data);
  return active->focal_loss_rows(*chunks.job, chunks.begin(chunk), chunks.end(chunk));
}

double run_batch_norm_rows(const void* data, int64_t chunk) {
  const auto& chunks = *static_cast<const RowChunks<FrozenBatchNormJob>*>(data);
  const auto run = chunks.job->upstream ? active->frozen_batch_norm_backward : active->frozen_batch_norm;
  run(*chunks.job, chunks.begin(chunk), chunks.end(chunk));
  return 0;
}

double run_winograd_row(const void* job, int64_t row) {
  active->winograd_row(*static_cast<const WinogradJob*>(job), row);
  return 0;
}

struct StreamJob {
  const uint64_t *a, *b;
  uint64_t* out;
  int64_t count;
};

double run_stream(const void* data, int64_t chunk) {
  const StreamJob& job = *static_cast<const StreamJob*>(data);
  const int64_t begin = chunk * kChunkElements, end = begin + kChunkElements;
  active->stream(job.a, job.b, job.out, begin, end < job.count ? end : job.count);
  return 0;
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

const char* pdnn_instruction_set() { return active->name; }

// Selects code for a narrower instruction set, for tests and measurements. Returns 0 if this machine cannot run it.
int pdnn_select_instruction_set(const char* name) {
  for (const InstructionSet* set : kInstructionSets)
    if (!strcmp(set->name, name) && supported(set)) {
      active = set;
      return 1;
    }
  return 0;
}

const char* pdnn_openmp_runtime() { return openmp_runtime(); }

// Counts the rows that are not ignored, or returns -1 - i if label i is neither a class, background nor ignored.
int64_t pdnn_count_valid_labels(const int64_t* labels, int64_t rows, int64_t classes, int64_t background, int64_t ignore) {
  FocalLossJob job;
  job.labels = labels;
  job.classes = classes;
  job.background = background;
  job.ignore = ignore;
  return active->count_valid_labels(job, rows);
}

// Returns the sum of the weighted losses; labels must have passed pdnn_count_valid_labels.
double pdnn_run_focal_loss(const pdnn_focal_loss* call) {
  FocalLossJob job;
  lay_out(job, *call);
  job.positive_weight = call->positive_weight;
  job.negative_weight = call->negative_weight;
  job.gamma = call->gamma;
  job.labels = call->labels;
  job.weights = call->weights;
  job.background = call->background;
  job.ignore = call->ignore;
  if (job.shape.count == 0) return 0;
  advise_huge_pages(job.gradient.data, job.shape.count * element_size(job.gradient.dtype));
  advise_huge_pages(job.loss.data, job.shape.count * element_size(job.loss.dtype));
  if (!job.labels) {
    const ElementChunks chunks{&job};
    return parallel_sum(ElementChunks::run, &chunks, divide_up(job.shape.count, kChunkElements), call->threads);
  }
  job.classes = call->sizes[call->ndim - 1];
  const RowChunks<FocalLossJob> chunks(job, job.shape.count / job.classes, job.classes);
  return parallel_sum(run_focal_rows, &chunks, chunks.count(), call->threads);
}

// Forward, or backward if `upstream` is given. Tensors are dense and share one layout.
void pdnn_run_frozen_batch_norm(const pdnn_frozen_batch_norm* call) {
  const bool last = call->channels_last;
  const FrozenBatchNormJob job = {
      call->dtype,
      last,
      call->relu != 0,
      call->images * (last ? call->pixels : call->channels),
      last ? call->channels : call->pixels,
      call->channels,
      call->scale,
      call->shift,
      call->input,
      call->residual,
      call->output,
      call->upstream,
      call->input_gradient,
      call->residual_gradient,
  };
  const int64_t bytes = job.rows * job.columns * element_size(job.dtype);
  if (bytes == 0) return;
  if (!job.upstream) advise_huge_pages(job.output, bytes);
  advise_huge_pages(job.input_gradient, bytes);
  advise_huge_pages(job.residual_gradient, bytes);
  const RowChunks<FrozenBatchNormJob> chunks(job, job.rows, job.columns);
  parallel_sum(run_batch_norm_rows, &chunks, chunks.count(), call->threads);
}

// One of the maps of winograd.h. Pictures are channels-last and dense except for the stride between pictures.
void pdnn_run_winograd(const pdnn_winograd* call) {
  const WinogradJob job = {
      call->map,   call->input_dtype, call->output_dtype, call->images, call->height, call->width, call->channels,
      call->image_stride, call->input, call->bias, call->output,
  };
  const int64_t high = (job.height + 1) / 2, wide = (job.width + 1) / 2;
  const bool weights = job.map == kWeight || job.map == kWeightGradient;
  int64_t places = job.images * job.height * job.width;
  if (job.map == kTilesOfInput || job.map == kTilesOfOutputGradient) places = job.images * high * wide * 16;
  if (weights) places = job.images * (job.map == kWeight ? 16 : 9);
  advise_huge_pages(job.output, places * job.channels * element_size(job.output_dtype));
  parallel_sum(run_winograd_row, &job, weights ? job.images : job.images * high, call->threads);
}

// The machine's streaming limit: reads two arrays and writes one, with the same threads and the same page advice.
void pdnn_stream(const void* a, const void* b, void* out, int64_t bytes, int threads) {
  const StreamJob job{static_cast<const uint64_t*>(a), static_cast<const uint64_t*>(b), static_cast<uint64_t*>(out),
                      bytes / 8};
  advise_huge_pages(out, bytes);
  parallel_sum(run_stream, &job, divide_up(job.count, kChunkElements), threads);
}
}
#pragma GCC visibility pop
