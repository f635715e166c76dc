// Reads and writes a run of a strided tensor, in the job's flat order, through a small contiguous buffer.
#pragma once
#include "dtypes.h"
#include "kernels.h"

namespace pdnn::PDNN_ISA {

constexpr int64_t kBlock = 2048;  // elements per buffer: four buffers fit the L1 cache

// Calls visit(offset, stride, position, length) for each straight run of the flat range [begin, begin + count).
template <class Visit>
inline void for_each_run(const Shape& shape, const int64_t* strides, int64_t begin, int64_t count, Visit visit) {
  int64_t index[kMaxDims], offset = 0, rest = begin;
  const int last = shape.ndim - 1;
  for (int d = last; d >= 0; --d) {
    index[d] = rest % shape.sizes[d];
    rest /= shape.sizes[d];
    offset += index[d] * strides[d];
  }
  for (int64_t done = 0; done < count;) {
    int64_t length = shape.sizes[last] - index[last];
    length = length < count - done ? length : count - done;
    visit(offset, strides[last], done, length);
    done += length;
    offset += length * strides[last];
    index[last] += length;
    for (int d = last; d > 0 && index[d] == shape.sizes[d]; --d) {
      offset += strides[d - 1] - index[d] * strides[d];
      index[d] = 0;
      ++index[d - 1];
    }
  }
}

template <class T, class C>
void gather_from(const Shape& shape, const Operand& from, int64_t begin, int64_t count, C* to) {
  const T* data = reinterpret_cast<const T*>(from.data);
  if (from.flat) {
    for (int64_t i = 0; i < count; ++i) to[i] = C(load(data[begin + i]));
    return;
  }
  for_each_run(shape, from.strides, begin, count, [&](int64_t offset, int64_t stride, int64_t position, int64_t length) {
    for (int64_t i = 0; i < length; ++i) to[position + i] = C(load(data[offset + i * stride]));
  });
}

template <class C>
void gather(const Shape& shape, const Operand& from, int64_t begin, int64_t count, C* to) {
  switch (from.dtype) {
    case kFloat32: return gather_from<float>(shape, from, begin, count, to);
    case kFloat64: return gather_from<double>(shape, from, begin, count, to);
    case kBFloat16: return gather_from<bfloat16>(shape, from, begin, count, to);
    case kFloat16: return gather_from<float16>(shape, from, begin, count, to);
  }
}

// Outputs are always flat: the job's flat order is their memory order.
template <class C>
void scatter(const C* from, int64_t count, const Operand& to, int64_t begin) {
  const auto write = [&](auto* data) {
    for (int64_t i = 0; i < count; ++i) store(data[begin + i], from[i]);
  };
  switch (to.dtype) {
    case kBFloat16: return write(reinterpret_cast<bfloat16*>(to.data));
    case kFloat16: return write(reinterpret_cast<float16*>(to.data));
    default: return write(reinterpret_cast<C*>(to.data));
  }
}

}  // namespace pdnn::PDNN_ISA
