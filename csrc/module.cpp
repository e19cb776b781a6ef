// The Python module `_C`: importing it registers every op; its attributes tell what was built.
#include <pybind11/pybind11.h>

#include "core/dispatch.h"

PYBIND11_MODULE(_C, module) {
  module.doc() = "Native core of singerprint: importing it registers torch.ops.singerprint.*";
  module.attr("has_cuda") = static_cast<bool>(SINGERPRINT_HAS_CUDA);
  module.def("instruction_set", &singerprint::instruction_set_name,
             "Instruction set of the CPU kernels: 'baseline', 'avx2' or 'avx512'.");
}
