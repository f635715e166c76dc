// Storage types and their conversion to the type used for arithmetic: double for double, float for the rest.
// Conversions are integer arithmetic, which every compiler vectorizes; rounding is to nearest even.
#pragma once
#include <cstdint>
#include <string.h>

namespace pdnn::PDNN_ISA {

struct bfloat16 { uint16_t bits; };
struct float16 { uint16_t bits; };

template <class T> struct ComputeType { using type = float; };
template <> struct ComputeType<double> { using type = double; };
template <class T> constexpr bool is_bfloat16 = false;
template <> constexpr bool is_bfloat16<bfloat16> = true;
template <class T> using Compute = typename ComputeType<T>::type;

inline uint32_t bits_of(float v) { uint32_t b; memcpy(&b, &v, 4); return b; }
inline uint64_t bits_of(double v) { uint64_t b; memcpy(&b, &v, 8); return b; }
inline uint16_t bits_of(bfloat16 v) { return v.bits; }
inline float float_of(uint32_t b) { float v; memcpy(&v, &b, 4); return v; }

inline double load(double v) { return v; }
inline float load(float v) { return v; }
inline float load(bfloat16 v) { return float_of(uint32_t(v.bits) << 16); }
inline float load(float16 v) {
  // Rescaling by 2^112 turns the short exponent into the long one, subnormals included; the top exponent is inf or NaN.
  const uint32_t magnitude = uint32_t(v.bits & 0x7fffu) << 13;
  const uint32_t finite = bits_of(float_of(magnitude) * 0x1p112f);
  const uint32_t special = magnitude | 0x7f800000u;
  return float_of((magnitude >= 0x0f800000u ? special : finite) | uint32_t(v.bits & 0x8000u) << 16);
}

inline void store(double& to, double v) { to = v; }
inline void store(float& to, float v) { to = v; }
inline void store(bfloat16& to, float v) {
  const uint32_t b = bits_of(v);
  to.bits = uint16_t(v != v ? 0x7fc0u : (b + 0x7fffu + ((b >> 16) & 1u)) >> 16);
}
inline void store(float16& to, float v) {
  const uint32_t b = bits_of(v), magnitude = b & 0x7fffffffu;
  // Adding 0.5 to a tiny magnitude lets the float adder round it to the subnormal grid of 2^-24.
  const uint32_t subnormal = bits_of(float_of(magnitude) + 0.5f) - 0x3f000000u;
  const uint32_t normal = (magnitude - 0x38000000u + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
  const uint32_t finite = magnitude < 0x38800000u ? subnormal : normal;
  const uint32_t special = magnitude > 0x7f800000u ? 0x7e00u : 0x7c00u;
  to.bits = uint16_t((magnitude >= 0x477ff000u ? special : finite) | (b >> 16 & 0x8000u));
}

// For arithmetic results, whose NaNs have no low payload bits that the rounding could carry into the sign.
template <class T, class C>
inline void store_result(T& to, C v) { store(to, v); }
inline void store_result(bfloat16& to, float v) {
  const uint32_t b = bits_of(v);
  to.bits = uint16_t((b + 0x7fffu + ((b >> 16) & 1u)) >> 16);
}

}  // namespace pdnn::PDNN_ISA
