// Sigmoid focal loss and its gradient in one pass. With s = +1 for a positive target and -1 for a negative one, and
// z = s x:  loss = w q^gamma softplus(-z),  dloss/dx = -s w q^gamma (gamma p softplus(-z) + q),  p = sigmoid(z), q = 1 - p.
// Both use e = exp(-|z|) and log1p(e) only, so nothing overflows and nothing cancels.
#pragma once
#include "kernels.h"
#include "vector_math.h"

namespace pdnn::PDNN_ISA {

enum class Pass { kSum, kSumAndGradient, kLoss, kGradient };
enum class Gamma { kTwo, kAny };
enum class Targets { kBackground, kBinary };

constexpr int64_t kSummed = 512;  // the longest run of one set of float accumulators

template <class C>
struct Weights { C positive, negative, gamma; };

template <class C>
struct Result {
  C sum;
  bool soft_targets;  // found by a pass for binary targets, whose outputs are then wrong
};

// The pointers of one block; those a pass does not use are null.
template <class T>
struct Block {
  const T* inputs;
  const T* targets;
  const Compute<T>* upstream;
  Compute<T>* loss;
  T* gradient;
};

inline float magnitude(float v) { return float_of(bits_of(v) & 0x7fffffffu); }
inline double magnitude(double v) { return fabs(v); }
inline float flip_sign(float v, bool flip) { return float_of(bits_of(v) ^ (flip ? 0x80000000u : 0u)); }
inline double flip_sign(double v, bool flip) { return flip ? -v : v; }
inline bool sign(float v) { return int32_t(bits_of(v)) < 0; }
inline bool sign(double v) { return v < 0; }
// max(v, 0) that propagates NaN and needs no comparison
template <class C>
inline C ramp(C v) { return C(0.5) * (v + magnitude(v)); }

// Whether the shorter arithmetic is exact enough.
template <class T, Gamma gamma>
constexpr bool kShort = is_bfloat16<T> && gamma == Gamma::kTwo;

template <Gamma gamma, class C>
inline C modulating_factor(C q, C negative_z, C log1p, const Weights<C>& w) {
  if constexpr (gamma == Gamma::kTwo) return q * q;
  // q^gamma = exp(-gamma softplus(z)); the product's rounding error matters once it is multiplied into an exponent.
  const C positive_z = ramp(-negative_z);
  const C high = w.gamma * positive_z;
  const C low = product_error(w.gamma, positive_z, high) + w.gamma * log1p;
  return exp_negative(high, low);
}

template <Pass pass, Gamma gamma, Targets targets, class T>
Result<Compute<T>> run_block(const Block<T>& block, const Weights<Compute<T>>& weights, int64_t count) {
  using C = Compute<T>;
  // Local copies: the compiler must see that no store changes them.
  const T* __restrict x = block.inputs;
  const T* __restrict y = block.targets;
  const C* __restrict upstream = block.upstream;
  C* __restrict loss_out = block.loss;
  T* __restrict gradient_out = block.gradient;
  const Weights<C> w = weights;
  C total = 0;
  decltype(bits_of(total)) others = 0;
  for (int64_t begin = 0; begin < count; begin += kSummed) {
    const int64_t end = count - begin < kSummed ? count : begin + kSummed;
    C sum = 0;
#pragma omp simd reduction(+ : sum) reduction(| : others)
    for (int64_t i = begin; i < end; ++i) {
      C negative_z = load(x[i]);
      bool positive = false;
      if constexpr (targets == Targets::kBinary) {
        const C target = load(y[i]);
        positive = target == 1;
        others |= bits_of(target) ^ (positive ? bits_of(C(1)) : 0);
        negative_z = flip_sign(negative_z, positive);
      }
      const C weight = positive ? w.positive : w.negative;
      C e, log1p;
      if constexpr (kShort<T, gamma>) {
        e = short_exp_negative_magnitude(negative_z);
        log1p = short_log1p_unit(e);
      } else {
        e = exp_negative_magnitude(negative_z);
        log1p = log1p_unit(e);
      }
      const C r = 1 / (1 + e);
      const C softplus = ramp(negative_z) + log1p;
      const C er = e * r;
      const C q = sign(negative_z) ? er : r;
      const C p = kShort<T, gamma> ? 1 - q : sign(negative_z) ? r : er;
      const C factor = weight * modulating_factor<gamma>(q, negative_z, log1p, w);
      if constexpr (pass != Pass::kGradient) {
        const C loss = factor * softplus;
        sum += loss;
        if constexpr (pass == Pass::kLoss) loss_out[i] = loss;
      }
      if constexpr (pass == Pass::kSumAndGradient || pass == Pass::kGradient) {
        const C derivative = flip_sign(factor * (w.gamma * p * softplus + q), positive);
        if constexpr (pass == Pass::kGradient) store(gradient_out[i], derivative * upstream[i]);
        else store_result(gradient_out[i], derivative);
      }
    }
    total += sum;
  }
  return {total, others != 0};
}

// Targets between 0 and 1: ce = y softplus(-x) + (1 - y) softplus(x), q = y (1 - p) + (1 - y) p, w = y w1 + (1 - y) w0.
template <Pass pass, Gamma gamma, class T>
Result<Compute<T>> run_soft_block(const Block<T>& block, const Weights<Compute<T>>& weights, int64_t count) {
  using C = Compute<T>;
  const Weights<C> w = weights;
  C sum = 0;
  for (int64_t i = 0; i < count; ++i) {
    const C x = load(block.inputs[i]), y = load(block.targets[i]);
    const C e = exp_negative_magnitude(x);
    const C r = 1 / (1 + e);
    const C log1p = log1p_unit(e);
    const C p = x < 0 ? e * r : r, not_p = x < 0 ? r : e * r;
    const C entropy = y * ((x < 0 ? -x : C(0)) + log1p) + (1 - y) * ((x < 0 ? C(0) : x) + log1p);
    const C q = y * not_p + (1 - y) * p;
    const C weight = y * w.positive + (1 - y) * w.negative;
    const C factor = weight * (gamma == Gamma::kTwo ? q * q : power(q, w.gamma));
    if constexpr (pass != Pass::kGradient) {
      const C loss = factor * entropy;
      sum += loss;
      if constexpr (pass == Pass::kLoss) block.loss[i] = loss;
    }
    if constexpr (pass == Pass::kSumAndGradient || pass == Pass::kGradient) {
      // gamma q^(gamma - 1) dq/dx entropy + q^gamma dentropy/dx
      const C product = w.gamma * (1 - 2 * y) * p * not_p * entropy;
      const C change = q > 0 ? product / q : product;  // q = 0 only where p or 1 - p is
      const C derivative = factor * (change + y * -not_p + (1 - y) * p);
      store(block.gradient[i], pass == Pass::kGradient ? derivative * block.upstream[i] : derivative);
    }
  }
  return {sum, false};
}

}  // namespace pdnn::PDNN_ISA
