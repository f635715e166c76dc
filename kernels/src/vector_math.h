// exp and log1p for the range the focal loss needs, as straight-line code that compilers vectorize.
// The polynomials are minimax fits on the reduced range; their degree was chosen by measurement (README.md).
#pragma once
#include <cmath>

#include "dtypes.h"

namespace pdnn::PDNN_ISA {

// The rounding error of a * b, given the rounded product.
inline float product_error(float a, float b, float product) {
#if defined(__FMA__) || defined(__ARM_FEATURE_FMA)
  return __builtin_fmaf(a, b, -product);
#else
  const float ta = a * 4097.0f, tb = b * 4097.0f;  // Veltkamp's split into halves of 12 bits, then Dekker's product
  const float ah = ta - (ta - a), al = a - ah, bh = tb - (tb - b), bl = b - bh;
  return ((ah * bh - product) + ah * bl + al * bh) + al * bl;
#endif
}

// e^-(high + low) for high, low >= 0. Subnormal results are exact to the last place; NaN stays NaN.
inline float exp_negative(float high, float low) {
  const bool underflow = high + low > 104.0f;
  high = underflow ? 104.0f : high;
  low = underflow ? 0.0f : low;
  // Adding 1.5 * 2^23 rounds to an integer n; the bias makes its low bits the exponent field of 2^(n + 24).
  const float magic = 12582912.0f + 127.0f + 24.0f;
  const float t = magic - (high + low) * 1.44269504f;
  const float n = t - magic;
  const float r = (-high - n * 0.693359375f) - low - n * -2.12194440e-4f;
  float p = 0.00831252019f;
  p = p * r + 0.0418901569f;
  p = p * r + 0.166671146f;
  p = p * r + 0.499992315f;
  p = p * (r * r) + r + 1.0f;
  return p * float_of(bits_of(t) << 23) * 0x1p-24f;
}

// log(1 + e) for e in [0, 1].
inline float log1p_unit(float e) {
  float p = 0.00536482433f;
  p = p * e - 0.0300657923f;
  p = p * e + 0.0792045356f;
  p = p * e - 0.137538023f;
  p = p * e + 0.191536549f;
  p = p * e - 0.248571637f;
  p = p * e + 0.333213226f;
  p = p * e - 0.49999648f;
  return p * (e * e) + e;
}

inline double product_error(double, double, double) { return 0.0; }
inline double exp_negative(double high, double low) { return std::exp(-(high + low)); }
inline double log1p_unit(double e) { return std::log1p(e); }

}  // namespace pdnn::PDNN_ISA
