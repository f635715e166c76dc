// exp and log1p for the range the focal loss needs, as straight-line code that compilers vectorize.
// The polynomials are minimax fits on the reduced range; their degree was chosen by measurement (README.md).
#pragma once
#include <math.h>

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

// e^r 2^n for a reduced r; the low bits of `biased` are the exponent field of 2^(n + 24). Subnormal results are exact to
// the last place.
inline float exp_reduced(float r, float biased) {
  // Estrin's scheme: a short dependency chain keeps more iterations in flight.
  const float r2 = r * r;
  const float low = 0.499992315f * r2 + (r + 1.0f);
  const float high = (0.00831252019f * r + 0.0418901569f) * r + 0.166671146f;
  const float p = high * (r2 * r) + low;
  return p * float_of(bits_of(biased) << 23) * 0x1p-24f;
}

constexpr float kRounder = 12582912.0f + 127.0f + 24.0f;  // adding 1.5 * 2^23 rounds to an integer
constexpr float kUnderflow = 104.0f;                      // e^-104 is less than half of the smallest float

// e^-|x|; NaN counts as large.
inline float exp_negative_magnitude(float x) {
  const int32_t bits = int32_t(bits_of(x) & 0x7fffffffu), most = int32_t(bits_of(kUnderflow));
  x = float_of(uint32_t(bits < most ? bits : most));  // magnitudes are ordered as their bits are
  const float biased = kRounder - x * 1.44269504f;
  const float n = biased - kRounder;
  return exp_reduced((-x - n * 0.693359375f) - n * -2.12194440e-4f, biased);
}

// e^-(high + low) for high, low >= 0 whose rounded sum would lose too much; NaN stays NaN.
inline float exp_negative(float high, float low) {
  const bool underflow = high + low > kUnderflow;
  high = underflow ? kUnderflow : high;
  low = underflow ? 0.0f : low;
  const float biased = kRounder - (high + low) * 1.44269504f;
  const float n = biased - kRounder;
  return exp_reduced((-high - n * 0.693359375f) - low - n * -2.12194440e-4f, biased);
}

// log(1 + e) for e in [0, 1].
inline float log1p_unit(float e) {
  const float e2 = e * e, e4 = e2 * e2;
  const float p01 = 0.332840638f * e - 0.499981803f;
  const float p23 = 0.178472082f * e - 0.245368661f;
  const float p45 = 0.0449866419f * e - 0.10902291f;
  const float low = p23 * e2 + p01;
  const float high = -0.00877895553f * e2 + p45;
  return (high * e4 + low) * e2 + e;
}

// For bfloat16 values with gamma = 2, where the loss is kept to 1e-5: relative errors of 1e-6, a fifth less arithmetic.
// Results below e^-86, whose cube is negligible, become e^-86.
inline float short_exp_negative_magnitude(float x) {
  constexpr float rounder = 12582912.0f, log2e = 1.44269504f;
  const int32_t bits = int32_t(bits_of(x) & 0x7fffffffu), most = int32_t(bits_of(86.0f));
  x = float_of(uint32_t(bits < most ? bits : most));
  const float biased = rounder - x * log2e;
  const float f = -x * log2e - (biased - rounder);
  const float f2 = f * f;
  const float high = (0.001326473f * f + 0.009671513f) * f2 + (0.055507337f * f + 0.240222421f);
  const float p = high * f2 + (0.693146978f * f + 1.0f);
  return float_of(bits_of(p) + (bits_of(biased) << 23));
}

inline float short_log1p_unit(float e) {
  const float e2 = e * e;
  const float high = (0.014588334f * e - 0.067851251f) * e2 + (0.151027746f * e - 0.236113462f);
  const float low = 0.331404271f * e - 0.499907469f;
  return (high * e2 + low) * e2 + e;
}

inline float power(float base, float exponent) { return powf(base, exponent); }

inline double product_error(double, double, double) { return 0.0; }
inline double exp_negative_magnitude(double x) { return exp(-fabs(x)); }
inline double exp_negative(double high, double low) { return exp(-(high + low)); }
inline double log1p_unit(double e) { return log1p(e); }
inline double power(double base, double exponent) { return pow(base, exponent); }

}  // namespace pdnn::PDNN_ISA
