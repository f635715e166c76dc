// Compiled once for each instruction set, with its own flags and PDNN_ISA as its namespace. It defines nothing that the
// linker could merge with another build of itself: no library templates, no inline functions outside PDNN_ISA.
#include "focal_loss.h"
#include "frozen_batch_norm.h"
#include "winograd.h"

#define PDNN_STRING(name) #name
#define PDNN_NAME(name) PDNN_STRING(name)

namespace pdnn::PDNN_ISA {

void stream(const uint64_t* __restrict a, const uint64_t* __restrict b, uint64_t* __restrict out, int64_t begin,
            int64_t end) {
  for (int64_t i = begin; i < end; ++i) out[i] = a[i] ^ b[i];
}

extern const InstructionSet instruction_set;
const InstructionSet instruction_set = {
    PDNN_NAME(PDNN_ISA), focal_loss, focal_loss_rows, count_valid_labels, frozen_batch_norm, frozen_batch_norm_backward,
    winograd_row, stream,
};

}  // namespace pdnn::PDNN_ISA
