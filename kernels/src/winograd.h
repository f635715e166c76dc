// Winograd's F(2x2, 3x3): a 3x3 convolution with stride 1 and padding 1 as 16 matrix products, which torch computes; here
// are the six linear maps around them. A tile covers 2x2 pixels of the result, and reads 4x4 pixels of the input.
//
//   tiles of the input   B' d B      result   A' m A      weights   G g G'
//
// and their transposes for the gradients. Channels are last in memory for pixels, tiles and weights.
#pragma once
#include "dtypes.h"
#include "kernels.h"

namespace pdnn::PDNN_ISA {

constexpr int kPlanes = 16;           // elements of a tile, and number of matrix products
constexpr int64_t kBlockChannels = 256;  // at a time: all streams of a tile stay in the L1 cache

// A vector of values of type C, with elementwise arithmetic.
#if defined(__AVX512F__)
constexpr int kVectorBytes = 64;
#elif defined(__AVX__)
constexpr int kVectorBytes = 32;
#else
constexpr int kVectorBytes = 16;
#endif
template <class C> struct LanesOf;
template <> struct LanesOf<float> { typedef float type __attribute__((vector_size(kVectorBytes))); };
template <> struct LanesOf<double> { typedef double type __attribute__((vector_size(kVectorBytes))); };
template <class C> using Lanes = typename LanesOf<C>::type;
typedef uint16_t HalfLanes __attribute__((vector_size(kVectorBytes / 2)));
typedef uint32_t BitLanes __attribute__((vector_size(kVectorBytes)));

template <class T> inline void load_lanes(Lanes<Compute<T>>& v, const T* from) {
  if constexpr (is_bfloat16<T>) {
    HalfLanes half;
    memcpy(&half, from, sizeof half);
    const BitLanes bits = __builtin_convertvector(half, BitLanes) << 16;
    memcpy(&v, &bits, sizeof v);
  } else {
    memcpy(&v, from, sizeof v);
  }
}
template <class T> inline void store_lanes(T* to, const Lanes<Compute<T>>& v) {
  if constexpr (is_bfloat16<T>) {
    BitLanes bits;
    memcpy(&bits, &v, sizeof bits);
    const HalfLanes half = __builtin_convertvector((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16, HalfLanes);
    memcpy(to, &half, sizeof half);
  } else {
    memcpy(to, &v, sizeof v);
  }
}

// The same for a single value, at the end of a row.
template <class T> inline void load_lanes(Compute<T>& v, const T* from) { v = load(*from); }
template <class T> inline void store_lanes(T* to, const Compute<T>& v) { store_result(*to, v); }

template <class V, int ins, int outs, class In, class Out, class Formula>
inline void combine_at(const In* const (&from)[ins], Out* const (&to)[outs], int64_t begin, int64_t c, Formula formula) {
  V a[ins], b[outs];
#pragma GCC unroll 64
  for (int k = 0; k < ins; ++k) load_lanes(a[k], from[k] + c);
  formula(a, b, begin + c);
#pragma GCC unroll 64
  for (int k = 0; k < outs; ++k) store_lanes(to[k] + c, b[k]);
}

// out[k][c] of `outs` streams from in[k][c] of `ins` streams; a null input is zero, a null output is discarded.
template <int ins, int outs, class In, class Out, class Formula>
void combine(const In* const (&in)[ins], Out* const (&out)[outs], int64_t channels, Formula formula) {
  using C = Compute<In>;
  constexpr int64_t width = sizeof(Lanes<C>) / sizeof(C);
  static const In zeros[kBlockChannels] = {};
  Out aside[kBlockChannels];
  for (int64_t begin = 0; begin < channels; begin += kBlockChannels) {
    const int64_t count = channels - begin < kBlockChannels ? channels - begin : kBlockChannels;
    const In* from[ins];
    Out* to[outs];
    for (int k = 0; k < ins; ++k) from[k] = in[k] ? in[k] + begin : zeros;
    for (int k = 0; k < outs; ++k) to[k] = out[k] ? out[k] + begin : aside;
    int64_t c = 0;
    for (; c + width <= count; c += width) combine_at<Lanes<C>>(from, to, begin, c, formula);
    for (; c < count; ++c) combine_at<C>(from, to, begin, c, formula);
  }
}

// Applies a one-dimensional map to each column: `from` rows of `columns` each become `to` rows.
template <int from, int to, int columns, class C, class Map>
inline void along_rows(const C* a, C* b, Map map) {
#pragma GCC unroll 8
  for (int j = 0; j < columns; ++j) {
    C in[from], out[to];
#pragma GCC unroll 8
    for (int i = 0; i < from; ++i) in[i] = a[i * columns + j];
    map(in, out);
#pragma GCC unroll 8
    for (int i = 0; i < to; ++i) b[i * columns + j] = out[i];
  }
}

template <int rows, int from, int to, class C, class Map>
inline void along_columns(const C* a, C* b, Map map) {
#pragma GCC unroll 8
  for (int i = 0; i < rows; ++i) map(a + i * from, b + i * to);
}

// Maps a square of from x from to one of to x to.
template <int from, int to, class C, class Map>
inline void both_ways(const C* a, C* b, Map map) {
  C half[to * from];
  along_rows<from, to, from>(a, half, map);
  along_columns<to, from, to>(half, b, map);
}

// The one-dimensional maps.
struct InputMap {  // B'
  template <class C> void operator()(const C* d, C* t) const {
    t[0] = d[0] - d[2], t[1] = d[1] + d[2], t[2] = d[2] - d[1], t[3] = d[1] - d[3];
  }
};
struct InputGradientMap {  // B, summed over overlapping tiles: the last of the previous tile, a tile, the first of the next
  template <class C> void operator()(const C* t, C* d) const {
    d[0] = t[2] - t[3] + t[4] - t[0], d[1] = t[2] + t[3] - t[1] + t[5];
  }
};
struct OutputMap {  // A'
  template <class C> void operator()(const C* m, C* y) const {
    y[0] = m[0] + m[1] + m[2], y[1] = m[1] - m[2] - m[3];
  }
};
struct OutputGradientMap {  // A
  template <class C> void operator()(const C* y, C* m) const {
    m[0] = y[0], m[1] = y[0] + y[1], m[2] = y[0] - y[1], m[3] = -y[1];
  }
};
struct WeightMap {  // G
  template <class C> void operator()(const C* g, C* u) const {
    u[0] = g[0], u[1] = (g[0] + g[1] + g[2]) * 0.5f, u[2] = (g[0] - g[1] + g[2]) * 0.5f, u[3] = g[2];
  }
};
struct WeightGradientMap {  // G'
  template <class C> void operator()(const C* u, C* g) const {
    g[0] = u[0] + (u[1] + u[2]) * 0.5f, g[1] = (u[1] - u[2]) * 0.5f, g[2] = (u[1] + u[2]) * 0.5f + u[3];
  }
};

// Addresses of elements; null outside.
template <class T> struct Picture {
  T* data;
  const WinogradJob& job;
  T* at(int64_t image, int64_t y, int64_t x) const {
    const bool inside = y >= 0 && y < job.height && x >= 0 && x < job.width;
    return inside ? data + image * job.image_stride + (y * job.width + x) * job.channels : nullptr;
  }
};
template <class T> struct Tiles {
  T* data;
  const WinogradJob& job;
  T* at(int64_t image, int64_t i, int64_t j, int64_t plane) const {
    const int64_t high = (job.height + 1) / 2, wide = (job.width + 1) / 2;
    const bool inside = i >= 0 && i < high && j >= 0 && j < wide;
    return inside ? data + (((image * high + i) * wide + j) * kPlanes + plane) * job.channels : nullptr;
  }
};

template <class T>
void tiles_of_input(const WinogradJob& job, int64_t image, int64_t i, int64_t j) {
  const Picture<const T> picture{static_cast<const T*>(job.input), job};
  const Tiles<T> tiles{static_cast<T*>(job.output), job};
  const T* in[kPlanes];
  T* out[kPlanes];
  for (int k = 0; k < kPlanes; ++k) {
    in[k] = picture.at(image, 2 * i - 1 + k / 4, 2 * j - 1 + k % 4);
    out[k] = tiles.at(image, i, j, k);
  }
  combine(in, out, job.channels, [](auto* a, auto* b, int64_t) { both_ways<4, 4>(a, b, InputMap()); });
}

template <class T>
void gradient_of_input(const WinogradJob& job, int64_t image, int64_t i, int64_t j) {
  const Tiles<const T> tiles{static_cast<const T*>(job.input), job};
  const Picture<T> picture{static_cast<T*>(job.output), job};
  const T* in[36];
  T* out[4];
  for (int k = 0; k < 36; ++k) {
    // Of six rows and columns, the first is the last of the previous tile, and the last the first of the next tile.
    const int row = k / 6, column = k % 6;
    const int64_t down = row == 0 ? -1 : row == 5, right = column == 0 ? -1 : column == 5;
    in[k] = tiles.at(image, i + down, j + right, (row + 3) % 4 * 4 + (column + 3) % 4);
  }
  for (int k = 0; k < 4; ++k) out[k] = picture.at(image, 2 * i + k / 2, 2 * j + k % 2);
  combine(in, out, job.channels, [](auto* a, auto* b, int64_t) { both_ways<6, 2>(a, b, InputGradientMap()); });
}

template <class T>
void output_of_tiles(const WinogradJob& job, int64_t image, int64_t i, int64_t j) {
  const Tiles<const T> tiles{static_cast<const T*>(job.input), job};
  const Picture<T> picture{static_cast<T*>(job.output), job};
  const Compute<T>* bias = static_cast<const Compute<T>*>(job.bias);
  const T* in[kPlanes];
  T* out[4];
  for (int k = 0; k < kPlanes; ++k) in[k] = tiles.at(image, i, j, k);
  for (int k = 0; k < 4; ++k) out[k] = picture.at(image, 2 * i + k / 2, 2 * j + k % 2);
  combine(in, out, job.channels, [bias](auto* a, auto* b, int64_t c) {
    both_ways<4, 2>(a, b, OutputMap());
    auto added = b[0];
    load_lanes(added, bias + c);
#pragma GCC unroll 4
    for (int k = 0; k < 4; ++k) b[k] += added;
  });
}

template <class T>
void tiles_of_output_gradient(const WinogradJob& job, int64_t image, int64_t i, int64_t j) {
  const Picture<const T> picture{static_cast<const T*>(job.input), job};
  const Tiles<T> tiles{static_cast<T*>(job.output), job};
  const T* in[4];
  T* out[kPlanes];
  for (int k = 0; k < 4; ++k) in[k] = picture.at(image, 2 * i + k / 2, 2 * j + k % 2);
  for (int k = 0; k < kPlanes; ++k) out[k] = tiles.at(image, i, j, k);
  combine(in, out, job.channels, [](auto* a, auto* b, int64_t) { both_ways<2, 4>(a, b, OutputGradientMap()); });
}

// Weights are stored as [row][9][channels], transformed ones as [16][row][channels]; a row is an output channel.
template <class In, class Out>
void transform_weight(const WinogradJob& job, int64_t row) {
  const In* in[9];
  Out* out[kPlanes];
  for (int k = 0; k < 9; ++k) in[k] = static_cast<const In*>(job.input) + (row * 9 + k) * job.channels;
  for (int k = 0; k < kPlanes; ++k) out[k] = static_cast<Out*>(job.output) + (k * job.images + row) * job.channels;
  combine(in, out, job.channels, [](auto* a, auto* b, int64_t) { both_ways<3, 4>(a, b, WeightMap()); });
}

template <class In, class Out>
void transform_weight_gradient(const WinogradJob& job, int64_t row) {
  const In* in[kPlanes];
  Out* out[9];
  for (int k = 0; k < kPlanes; ++k) in[k] = static_cast<const In*>(job.input) + (k * job.images + row) * job.channels;
  for (int k = 0; k < 9; ++k) out[k] = static_cast<Out*>(job.output) + (row * 9 + k) * job.channels;
  combine(in, out, job.channels, [](auto* a, auto* b, int64_t) { both_ways<4, 3>(a, b, WeightGradientMap()); });
}

template <class T>
void winograd_tile_row(const WinogradJob& job, int64_t row) {
  const int64_t high = (job.height + 1) / 2, wide = (job.width + 1) / 2;
  auto run = tiles_of_input<T>;
  if (job.map == kGradientOfInput) run = gradient_of_input<T>;
  if (job.map == kOutputOfTiles) run = output_of_tiles<T>;
  if (job.map == kTilesOfOutputGradient) run = tiles_of_output_gradient<T>;
  for (int64_t j = 0; j < wide; ++j) run(job, row / high, row % high, j);
}

template <class In, class Out>
void winograd_weight_row(const WinogradJob& job, int64_t row) {
  (job.map == kWeight ? transform_weight<In, Out> : transform_weight_gradient<In, Out>)(job, row);
}

inline void winograd_row(const WinogradJob& job, int64_t row) {
  const bool weights = job.map == kWeight || job.map == kWeightGradient;
  const auto pair = [&](int32_t in, int32_t out) { return job.input_dtype == in && job.output_dtype == out; };
  if (pair(kFloat32, kFloat32)) return (weights ? winograd_weight_row<float, float> : winograd_tile_row<float>)(job, row);
  if (pair(kFloat64, kFloat64)) return (weights ? winograd_weight_row<double, double> : winograd_tile_row<double>)(job, row);
  if (pair(kBFloat16, kBFloat16))
    return (weights ? winograd_weight_row<bfloat16, bfloat16> : winograd_tile_row<bfloat16>)(job, row);
  if (pair(kFloat32, kBFloat16)) return winograd_weight_row<float, bfloat16>(job, row);
  if (pair(kBFloat16, kFloat32)) return winograd_weight_row<bfloat16, float>(job, row);
}

}  // namespace pdnn::PDNN_ISA
