// Sigmoid focal loss and its gradient in one sweep. With s = +1 for a positive target and -1 for a negative one, and
// z = s x:  loss = w q^gamma softplus(-z),  dloss/dx = -s w q^gamma (gamma p softplus(-z) + q),  p = sigmoid(z), q = 1 - p.
// Both use e = exp(-|z|) and log1p(e) only, so nothing overflows and nothing cancels.
#pragma once
#include "operand.h"
#include "vector_math.h"

namespace pdnn::PDNN_ISA {

enum class Pass { kSum, kSumAndGradient, kLoss, kGradient };
enum class Gamma { kTwo, kAny };
enum class Targets { kBackground, kBinary, kSoft };

template <class C>
struct Weights { C positive, negative, gamma; };

// The pointers of one block; those a pass does not use are null.
template <class T>
struct Block {
  const T* inputs;
  const T* targets;
  const Compute<T>* upstream;
  Compute<T>* loss;
  T* gradient;
};

inline float flip_sign(float v, bool flip) { return float_of(bits_of(v) ^ (flip ? 0x80000000u : 0u)); }
inline double flip_sign(double v, bool flip) { return flip ? -v : v; }
inline float magnitude(float v) { return float_of(bits_of(v) & 0x7fffffffu); }
inline double magnitude(double v) { return std::fabs(v); }

template <Gamma gamma, class C>
inline C modulating_factor(C q, C negative_z, C log1p, const Weights<C>& w) {
  if constexpr (gamma == Gamma::kTwo) return q * q;
  // q^gamma = exp(-gamma softplus(z)); the product's rounding error matters once it is multiplied into an exponent.
  const C positive_z = negative_z < 0 ? -negative_z : C(0) * negative_z;
  const C high = w.gamma * positive_z;
  const C low = product_error(w.gamma, positive_z, high) + w.gamma * log1p;
  return exp_negative(high, low);
}

template <Pass pass, Gamma gamma, Targets targets, class T>
Compute<T> run_block(const Block<T>& block, const Weights<Compute<T>>& weights, int64_t count) {
  using C = Compute<T>;
  // Copies in locals: the compiler must see that no store changes them.
  const T* __restrict x = block.inputs;
  const T* __restrict y = block.targets;
  const C* __restrict upstream = block.upstream;
  C* __restrict loss_out = block.loss;
  T* __restrict gradient_out = block.gradient;
  const Weights<C> w = weights;
  C sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < count; ++i) {
    const bool positive = targets == Targets::kBinary && load(y[i]) == C(1);
    const C negative_z = targets == Targets::kBinary ? flip_sign(load(x[i]), positive) : load(x[i]);
    const C weight = positive ? w.positive : w.negative;
    const C e = exp_negative(magnitude(negative_z), C(0));
    const C r = 1 / (1 + e);
    const C log1p = log1p_unit(e);
    const C softplus = (negative_z < 0 ? C(0) : negative_z) + log1p;
    const C er = e * r;
    const C q = negative_z > 0 ? r : er;
    const C p = negative_z > 0 ? er : r;
    const C factor = weight * modulating_factor<gamma>(q, negative_z, log1p, w);
    if constexpr (pass != Pass::kGradient) {
      const C loss = factor * softplus;
      sum += loss;
      if constexpr (pass == Pass::kLoss) loss_out[i] = loss;
    }
    if constexpr (pass == Pass::kSumAndGradient || pass == Pass::kGradient) {
      const C derivative = flip_sign(factor * (w.gamma * p * softplus + q), positive);
      store(gradient_out[i], pass == Pass::kGradient ? derivative * upstream[i] : derivative);
    }
  }
  return sum;
}

// Targets between 0 and 1: ce = y softplus(-x) + (1 - y) softplus(x), q = y (1 - p) + (1 - y) p, w = y w1 + (1 - y) w0.
template <Pass pass, Gamma gamma, class T>
Compute<T> run_soft_block(const Block<T>& block, const Weights<Compute<T>>& weights, int64_t count) {
  using C = Compute<T>;
  const Weights<C> w = weights;
  C sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    const C x = load(block.inputs[i]), y = load(block.targets[i]);
    const C e = exp_negative(magnitude(x), C(0));
    const C r = 1 / (1 + e);
    const C log1p = log1p_unit(e);
    const C p = x < 0 ? e * r : r, not_p = x < 0 ? r : e * r;
    const C entropy = y * ((x < 0 ? -x : C(0)) + log1p) + (1 - y) * ((x < 0 ? C(0) : x) + log1p);
    const C q = y * not_p + (1 - y) * p;
    const C weight = y * w.positive + (1 - y) * w.negative;
    const C factor = weight * (gamma == Gamma::kTwo ? q * q : std::pow(q, w.gamma));
    if constexpr (pass != Pass::kGradient) {
      const C loss = factor * entropy;
      sum += loss;
      if constexpr (pass == Pass::kLoss) block.loss[i] = loss;
    }
    if constexpr (pass == Pass::kSumAndGradient || pass == Pass::kGradient) {
      // gamma q^(gamma - 1) dq/dx entropy + q^gamma dentropy/dx
      const C slope = (1 - 2 * y) * p * not_p;
      const C change = slope == 0 ? C(0) : w.gamma * slope * entropy / q;
      const C derivative = factor * (change + y * -not_p + (1 - y) * p);
      store(block.gradient[i], pass == Pass::kGradient ? derivative * block.upstream[i] : derivative);
    }
  }
  return sum;
}

template <class T>
bool all_binary(const T* targets, int64_t count) {
  uint32_t others = 0;
  for (int64_t i = 0; i < count; ++i) {
    const auto y = load(targets[i]);
    others |= uint32_t(!(y == 0 || y == 1));
  }
  return others == 0;
}

template <class T>
struct BlockRunner {
  using Run = Compute<T> (*)(const Block<T>&, const Weights<Compute<T>>&, int64_t);
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

// Runs a flat range block by block. T is the storage type when tensors can be read and written in place (every operand
// flat and of one type), else the compute type: blocks then pass through buffers.
template <class T>
class BlockStream {
  using C = Compute<T>;

 public:
  BlockStream(const FocalLossJob& job, bool in_place) : job_(job), in_place_(in_place), runner_(select_runner<T>(job)) {}

  // With `targets` null the range is background.
  C run(int64_t begin, int64_t count, const T* targets, C row_weight) {
    Block<T> block{inputs(begin, count), targets, upstream(begin, count), nullptr, gradient_};
    if (job_.loss.data) block.loss = reinterpret_cast<C*>(job_.loss.data) + begin;
    if (in_place_ && job_.gradient.data) block.gradient = reinterpret_cast<T*>(job_.gradient.data) + begin;
    const Weights<C> weights{C(job_.positive_weight) * row_weight, C(job_.negative_weight) * row_weight, C(job_.gamma)};
    const auto run = !targets ? runner_.background : all_binary(targets, count) ? runner_.binary : runner_.soft;
    const C sum = run(block, weights, count);
    if (!in_place_ && job_.gradient.data) scatter(gradient_, count, job_.gradient, begin);
    return sum;
  }

  const T* targets(int64_t begin, int64_t count) {
    if (in_place_) return reinterpret_cast<const T*>(job_.targets.data) + begin;
    gather_converted(job_.targets, begin, count, targets_);
    return targets_;
  }

 private:
  const T* inputs(int64_t begin, int64_t count) {
    if (in_place_) return reinterpret_cast<const T*>(job_.inputs.data) + begin;
    gather_converted(job_.inputs, begin, count, inputs_);
    return inputs_;
  }

  const C* upstream(int64_t begin, int64_t count) {
    if (!job_.upstream.data) return nullptr;
    gather(job_.shape, job_.upstream, begin, count, upstream_);
    return upstream_;
  }

  void gather_converted(const Operand& from, int64_t begin, int64_t count, C* to) {
    gather(job_.shape, from, begin, count, to);
  }
  void gather_converted(const Operand&, int64_t, int64_t, void*) {}  // bfloat16 is only ever read in place

  const FocalLossJob& job_;
  const bool in_place_;
  const BlockRunner<T> runner_;
  alignas(64) T inputs_[kBlock], targets_[kBlock], gradient_[kBlock];
  alignas(64) C upstream_[kBlock];
};

inline void clear(const Operand& operand, int64_t begin, int64_t count) {
  if (!operand.data) return;
  const int64_t size = operand.dtype == kFloat64 ? 8 : operand.dtype == kFloat32 ? 4 : 2;
  std::memset(operand.data + begin * size, 0, size_t(count * size));
}

template <class T>
double focal_loss_elements(const FocalLossJob& job, bool in_place, int64_t begin, int64_t end) {
  BlockStream<T> stream(job, in_place);
  double sum = 0;
  for (int64_t at = begin; at < end; at += kBlock) {
    const int64_t count = end - at < kBlock ? end - at : kBlock;
    sum += stream.run(at, count, stream.targets(at, count), 1);
  }
  return sum;
}

// Rows of equal weight that are not ignored form one flat range, so that short rows vectorize as well as long ones.
template <class T>
double focal_loss_row_range(const FocalLossJob& job, bool in_place, int64_t begin, int64_t end) {
  using C = Compute<T>;
  BlockStream<T> stream(job, in_place);
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
        if (position < 0) continue;
        if (!any) std::memset(targets, 0, sizeof targets);
        any = true;
        targets[position] = one;
      }
      sum += stream.run(at, count, any ? targets : nullptr, row_weight);
    }
    row = last;
  }
  return sum;
}

template <class Function>
double by_storage_type(const FocalLossJob& job, Function run) {
  const auto in_place = [&](const Operand& o) { return !o.data || (o.flat && o.dtype == job.inputs.dtype); };
  const bool direct = in_place(job.inputs) && in_place(job.targets);
  switch (job.inputs.dtype) {
    case kFloat64: return run(double(), direct);
    case kBFloat16: return direct ? run(bfloat16(), true) : run(float(), false);
    case kFloat32: return run(float(), direct);
    default: return run(float(), false);
  }
}

inline double focal_loss(const FocalLossJob& job, int64_t begin, int64_t end) {
  return by_storage_type(job, [&](auto type, bool in_place) {
    return focal_loss_elements<decltype(type)>(job, in_place, begin, end);
  });
}

inline double focal_loss_rows(const FocalLossJob& job, int64_t begin, int64_t end) {
  return by_storage_type(job, [&](auto type, bool in_place) {
    return focal_loss_row_range<decltype(type)>(job, in_place, begin, end);
  });
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
