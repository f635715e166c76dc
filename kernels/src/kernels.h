// What the C interface and the instruction-set-specific translation units share: plain structs, no templates.
#pragma once
#include <cstdint>

namespace pdnn {

enum DType : int32_t { kFloat32 = 0, kFloat64 = 1, kBFloat16 = 2, kFloat16 = 3 };

constexpr int kMaxDims = 64;  // torch's own limit

// One tensor of a job: its elements are visited in the job's flat order. `flat` means that this order is memory order.
struct Operand {
  char* data;  // null: absent
  int32_t dtype;
  bool flat;
  int64_t strides[kMaxDims];  // in elements
};

struct Shape {
  int ndim;
  int64_t count;
  int64_t sizes[kMaxDims];
};

// loss = weight_t q^gamma softplus(-z); exactly one of: sum, sum with gradient, stored loss, gradient from upstream.
struct FocalLossJob {
  Shape shape;
  Operand inputs, targets, upstream, loss, gradient;
  double positive_weight, negative_weight, gamma;
  // Class-index form: one label for each row of `classes` inputs, in place of `targets`.
  const int64_t* labels;
  const float* weights;  // per row; null: all one
  int64_t classes, background, ignore;
};

struct FrozenBatchNormJob {
  int32_t dtype;
  bool channels_last, relu;
  int64_t rows, columns;  // memory order; a row is one (image, channel) plane, or one pixel in channels_last
  int64_t channels;
  const void *scale, *shift;  // float, or double for double tensors
  const void *input, *residual;  // forward; residual may be null
  void* output;  // written by the forward pass, read by the backward pass with ReLU
  const void* upstream;  // backward
  void *input_gradient, *residual_gradient;  // either may be null
};

// Linear maps around the matrix products of a Winograd convolution (winograd.h).
enum WinogradMap : int32_t {
  kTilesOfInput = 0, kGradientOfInput = 1, kOutputOfTiles = 2, kTilesOfOutputGradient = 3, kWeight = 4, kWeightGradient = 5,
};

struct WinogradJob {
  int32_t map, input_dtype, output_dtype;  // the types differ only for weights
  int64_t images, height, width, channels;  // of the picture; for weights: output channels, unused, unused, input channels
  int64_t image_stride;                     // of the picture, in elements
  const void *input, *bias;  // bias: float, or double for double tensors; for kOutputOfTiles only
  void* output;
};

// Work is split into chunks whose boundaries do not depend on the number of threads, so neither does the sum.
constexpr int64_t kChunkElements = 16384;

struct InstructionSet {
  const char* name;
  double (*focal_loss)(const FocalLossJob&, int64_t begin, int64_t end);         // flat elements
  double (*focal_loss_rows)(const FocalLossJob&, int64_t begin, int64_t end);    // rows
  int64_t (*count_valid_labels)(const FocalLossJob&, int64_t rows);              // or -1 - index of a bad label
  void (*frozen_batch_norm)(const FrozenBatchNormJob&, int64_t begin, int64_t end);           // rows
  void (*frozen_batch_norm_backward)(const FrozenBatchNormJob&, int64_t begin, int64_t end);  // rows
  void (*winograd_row)(const WinogradJob&, int64_t row);  // of tiles, or of weights
  void (*stream)(const uint64_t* a, const uint64_t* b, uint64_t* out, int64_t begin, int64_t end);
};

namespace portable { extern const InstructionSet instruction_set; }
#ifdef PDNN_X86
namespace avx2 { extern const InstructionSet instruction_set; }
namespace avx512 { extern const InstructionSet instruction_set; }
#endif

}  // namespace pdnn
