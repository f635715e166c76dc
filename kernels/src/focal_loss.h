// Walks the elements, or the labelled rows, of a focal loss job and hands blocks of them to the arithmetic.
#pragma once
#include "focal_loss_block.h"
#include "operand.h"

namespace pdnn::PDNN_ISA {

template <class T>
struct BlockRunner {
  using Run = Result<Compute<T>> (*)(const Block<T>&, const Weights<Compute<T>>&, int64_t);
  Run background, binary, soft;
};

template <class T, Pass pass, Gamma gamma>
constexpr BlockRunner<T> runner_of = {run_block<pass, gamma, Targets::kBackground, T>,
                                      run_block<pass, gamma, Targets::kBinary, T>, run_soft_block<pass, gamma, T>};

template <class T, Pass pass>
BlockRunner<T> select_gamma(const FocalLossJob& job) {
  return job.gamma == 2 ? runner_of<T, pass, Gamma::kTwo> : runner_of<T, pass, Gamma::kAny>;
}

template <class T>
BlockRunner<T> select_runner(const FocalLossJob& job) {
  if (job.upstream.data) return select_gamma<T, Pass::kGradient>(job);
  if (job.loss.data) return select_gamma<T, Pass::kLoss>(job);
  return job.gradient.data ? select_gamma<T, Pass::kSumAndGradient>(job) : select_gamma<T, Pass::kSum>(job);
}

// Every operand is flat and of type T: blocks are read and written in place.
template <class T>
struct InPlace {
  using Type = T;
  const FocalLossJob& job;

  const T* inputs(int64_t begin, int64_t) { return reinterpret_cast<const T*>(job.inputs.data) + begin; }
  const T* targets(int64_t begin, int64_t) { return reinterpret_cast<const T*>(job.targets.data) + begin; }
  T* gradient(int64_t begin) { return reinterpret_cast<T*>(job.gradient.data) + begin; }
  void write_gradient(int64_t, int64_t) {}
};

// Any strides and types: blocks pass through buffers of the compute type C.
template <class C>
struct Buffered {
  using Type = C;
  const FocalLossJob& job;
  alignas(64) C inputs_buffer[kBlock], targets_buffer[kBlock], gradient_buffer[kBlock];

  explicit Buffered(const FocalLossJob& job) : job(job) {}
  const C* inputs(int64_t begin, int64_t count) { return read(job.inputs, begin, count, inputs_buffer); }
  const C* targets(int64_t begin, int64_t count) { return read(job.targets, begin, count, targets_buffer); }
  C* gradient(int64_t) { return gradient_buffer; }
  void write_gradient(int64_t begin, int64_t count) { scatter(gradient_buffer, count, job.gradient, begin); }

  const C* read(const Operand& from, int64_t begin, int64_t count, C* buffer) {
    gather(job.shape, from, begin, count, buffer);
    return buffer;
  }
};

// Runs blocks of the flat range; if `targets` is null, the block is background.
template <class Source>
class BlockStream {
  using T = typename Source::Type;
  using C = Compute<T>;

 public:
  explicit BlockStream(const FocalLossJob& job) : job_(job), source_{job}, runner_(select_runner<T>(job)) {}

  const T* targets(int64_t begin, int64_t count) { return source_.targets(begin, count); }

  C run(int64_t begin, int64_t count, const T* targets, C row_weight) {
    Block<T> block{source_.inputs(begin, count), targets, nullptr, nullptr, nullptr};
    if (job_.loss.data) block.loss = reinterpret_cast<C*>(job_.loss.data) + begin;
    if (job_.gradient.data) block.gradient = source_.gradient(begin);
    if (job_.upstream.data) {
      gather(job_.shape, job_.upstream, begin, count, upstream_);
      block.upstream = upstream_;
    }
    if (row_weight != row_weight) row_weight = C(NAN);  // drops its payload, see store_result
    const Weights<C> weights{C(job_.positive_weight) * row_weight, C(job_.negative_weight) * row_weight, C(job_.gamma)};
    Result<C> result = (targets ? runner_.binary : runner_.background)(block, weights, count);
    if (result.soft_targets) result = runner_.soft(block, weights, count);
    if (job_.gradient.data) source_.write_gradient(begin, count);
    return result.sum;
  }

 private:
  const FocalLossJob& job_;
  Source source_;
  const BlockRunner<T> runner_;
  alignas(64) C upstream_[kBlock];
};

// Almost all targets of a detector are background; the arithmetic is simpler for blocks that are entirely background.
template <class T>
bool any_set(const T* targets, int64_t count) {
  decltype(bits_of(*targets)) set = 0;
  for (int64_t i = 0; i < count; ++i) set |= bits_of(targets[i]);
  return set != 0;
}

template <class Source>
double focal_loss_elements(const FocalLossJob& job, int64_t begin, int64_t end) {
  BlockStream<Source> stream(job);
  double sum = 0;
  for (int64_t at = begin; at < end; at += kBlock) {
    const int64_t count = end - at < kBlock ? end - at : kBlock;
    const auto* targets = stream.targets(at, count);
    sum += stream.run(at, count, any_set(targets, count) ? targets : nullptr, 1);
  }
  return sum;
}

inline void clear(const Operand& operand, int64_t begin, int64_t count) {
  if (!operand.data) return;
  const int64_t size = operand.dtype == kFloat64 ? 8 : operand.dtype == kFloat32 ? 4 : 2;
  memset(operand.data + begin * size, 0, size_t(count * size));
}

// Rows of equal weight that are not ignored form one flat range, so that short rows vectorize as well as long ones.
template <class Source>
double focal_loss_row_range(const FocalLossJob& job, int64_t begin, int64_t end) {
  using T = typename Source::Type;
  using C = Compute<T>;
  BlockStream<Source> stream(job);
  alignas(64) T targets[kBlock];
  T one;
  store(one, C(1));
  const int64_t classes = job.classes;
  const auto weight = [&](int64_t row) { return job.weights ? job.weights[row] : 1.0f; };
  double sum = 0;
  for (int64_t row = begin; row < end;) {
    if (job.labels[row] == job.ignore) {
      clear(job.gradient, row * classes, classes);
      clear(job.loss, row * classes, classes);
      ++row;
      continue;
    }
    int64_t last = row + 1;
    while (last < end && job.labels[last] != job.ignore && weight(last) == weight(row)) ++last;
    const C row_weight = C(weight(row));
    int64_t labelled = row;  // the first row whose positive element has not been passed
    for (int64_t at = row * classes; at < last * classes; at += kBlock) {
      const int64_t count = last * classes - at < kBlock ? last * classes - at : kBlock;
      bool any = false;
      for (; labelled < last && labelled * classes < at + count; ++labelled) {
        if (job.labels[labelled] == job.background) continue;
        const int64_t position = labelled * classes + job.labels[labelled] - at;
        if (position >= count) break;
        if (!any) memset(targets, 0, sizeof targets);
        any = true;
        targets[position] = one;
      }
      sum += stream.run(at, count, any ? targets : nullptr, row_weight);
    }
    row = last;
  }
  return sum;
}

template <class T>
struct Of { using Type = T; };

template <class Function>
double with_source(const FocalLossJob& job, Function run) {
  const auto in_place = [&](const Operand& o) { return !o.data || (o.flat && o.dtype == job.inputs.dtype); };
  const bool all_in_place = in_place(job.inputs) && in_place(job.targets) && in_place(job.gradient);
  switch (job.inputs.dtype) {
    case kFloat64: return all_in_place ? run(Of<InPlace<double>>()) : run(Of<Buffered<double>>());
    case kFloat32: return all_in_place ? run(Of<InPlace<float>>()) : run(Of<Buffered<float>>());
    case kBFloat16: return all_in_place ? run(Of<InPlace<bfloat16>>()) : run(Of<Buffered<float>>());
    default: return run(Of<Buffered<float>>());
  }
}

inline double focal_loss(const FocalLossJob& job, int64_t begin, int64_t end) {
  return with_source(job, [&](auto of) { return focal_loss_elements<typename decltype(of)::Type>(job, begin, end); });
}

inline double focal_loss_rows(const FocalLossJob& job, int64_t begin, int64_t end) {
  return with_source(job, [&](auto of) { return focal_loss_row_range<typename decltype(of)::Type>(job, begin, end); });
}

inline int64_t count_valid_labels(const FocalLossJob& job, int64_t rows) {
  int64_t valid = 0, bad = 0;
  for (int64_t i = 0; i < rows; ++i) {
    const int64_t label = job.labels[i];
    valid += label != job.ignore;
    bad += label != job.ignore && label != job.background && (label < 0 || label >= job.classes);
  }
  if (!bad) return valid;
  for (int64_t i = 0;; ++i) {
    const int64_t label = job.labels[i];
    if (label != job.ignore && label != job.background && (label < 0 || label >= job.classes)) return -1 - i;
  }
}

}  // namespace pdnn::PDNN_ISA
