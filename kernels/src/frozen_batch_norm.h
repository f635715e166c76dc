// Frozen batch norm: y = a x + b, optionally + residual and ReLU, in one pass; its gradient is a dy, masked by y > 0.
#pragma once
#include "dtypes.h"
#include "kernels.h"

namespace pdnn::PDNN_ISA {

// NCHW: one factor for a whole row; channels_last: one for each column.
template <class C>
struct Constant { C value; C operator[](int64_t) const { return value; } };

template <bool residual, bool relu, class T, class Factors>
void normalize_row(const T* __restrict x, const T* __restrict added, Factors a, Factors b, T* __restrict y, int64_t count) {
  using C = Compute<T>;
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    C v = a[i] * load(x[i]) + b[i];
    if constexpr (residual) v += load(added[i]);
    if constexpr (relu) v = v < 0 ? C(0) : v;
    store(y[i], v);
  }
}

template <bool relu, bool input, bool residual, class T, class Factors>
void differentiate_row(const T* __restrict dy, const T* __restrict y, Factors a, T* __restrict dx, T* __restrict dresidual,
                       int64_t count) {
  using C = Compute<T>;
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) {
    C g = load(dy[i]);
    if constexpr (relu) g = load(y[i]) <= 0 ? C(0) : g;
    if constexpr (residual) store(dresidual[i], g);
    if constexpr (input) store(dx[i], a[i] * g);
  }
}

template <class T, class Row>
void for_each_row(const FrozenBatchNormJob& job, int64_t begin, int64_t end, Row run) {
  using C = Compute<T>;
  const C* a = static_cast<const C*>(job.scale);
  const C* b = static_cast<const C*>(job.shift);
  for (int64_t row = begin; row < end; ++row) {
    const int64_t at = row * job.columns, channel = row % job.channels;
    if (job.channels_last) run(at, a, b);
    else run(at, Constant<C>{a[channel]}, Constant<C>{b[channel]});
  }
}

template <class T>
T* at(const void* data, int64_t offset) {
  return data ? const_cast<T*>(static_cast<const T*>(data)) + offset : nullptr;
}

template <class T, bool residual, bool relu>
void normalize(const FrozenBatchNormJob& job, int64_t begin, int64_t end) {
  for_each_row<T>(job, begin, end, [&](int64_t offset, auto a, auto b) {
    normalize_row<residual, relu>(at<T>(job.input, offset), at<T>(job.residual, offset), a, b, at<T>(job.output, offset),
                                  job.columns);
  });
}

template <class T, bool relu, bool input, bool residual>
void differentiate(const FrozenBatchNormJob& job, int64_t begin, int64_t end) {
  for_each_row<T>(job, begin, end, [&](int64_t offset, auto a, auto) {
    differentiate_row<relu, input, residual>(at<T>(job.upstream, offset), at<T>(job.output, offset), a,
                                             at<T>(job.input_gradient, offset), at<T>(job.residual_gradient, offset),
                                             job.columns);
  });
}

template <class Function>
void by_type(int32_t dtype, Function run) {
  switch (dtype) {
    case kFloat32: return run(float());
    case kFloat64: return run(double());
    case kBFloat16: return run(bfloat16());
    case kFloat16: return run(float16());
  }
}

inline void frozen_batch_norm(const FrozenBatchNormJob& job, int64_t begin, int64_t end) {
  by_type(job.dtype, [&](auto type) {
    using T = decltype(type);
    if (job.residual) (job.relu ? normalize<T, true, true> : normalize<T, true, false>)(job, begin, end);
    else (job.relu ? normalize<T, false, true> : normalize<T, false, false>)(job, begin, end);
  });
}

inline void frozen_batch_norm_backward(const FrozenBatchNormJob& job, int64_t begin, int64_t end) {
  by_type(job.dtype, [&](auto type) {
    using T = decltype(type);
    if (!job.relu) differentiate<T, false, true, false>(job, begin, end);
    else if (!job.residual_gradient) differentiate<T, true, true, false>(job, begin, end);
    else (job.input_gradient ? differentiate<T, true, true, true> : differentiate<T, true, false, true>)(job, begin, end);
  });
}

}  // namespace pdnn::PDNN_ISA
