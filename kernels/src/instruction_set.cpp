// Compiled once for each instruction set, with its own flags and PDNN_ISA as its namespace. It defines nothing that the
// linker could merge with another build of itself: no library templates, no inline functions outside PDNN_ISA.
#include "focal_loss.h"
#include "frozen_batch_norm.h"

#define PDNN_STRING(name) #name
#define PDNN_NAME(name) PDNN_STRING(name)

namespace pdnn {

namespace PDNN_ISA {
void stream(const uint64_t* __restrict a, const uint64_t* __restrict b, uint64_t* __restrict out, int64_t begin,
            int64_t end) {
  for (int64_t i = begin; i < end; ++i) out[i] = a[i] ^ b[i];
}
}  // namespace PDNN_ISA

extern const InstructionSet PDNN_SET;
const InstructionSet PDNN_SET = {
    PDNN_NAME(PDNN_SET),
    PDNN_ISA::focal_loss,
    PDNN_ISA::focal_loss_rows,
    PDNN_ISA::count_valid_labels,
    PDNN_ISA::frozen_batch_norm,
    PDNN_ISA::frozen_batch_norm_backward,
    PDNN_ISA::stream,
};

}  // namespace pdnn
