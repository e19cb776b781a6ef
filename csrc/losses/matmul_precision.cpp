#include "losses/matmul_precision.h"

#include <ATen/Context.h>

namespace singerprint {

MatmulPrecision matmul_precision() {
  const at::Context& context = at::globalContext();
  if (context.float32Precision(at::Float32Backend::CUDA, at::Float32Op::MATMUL) != at::Float32Precision::TF32) {
    return MatmulPrecision::kHighest;
  }
  try {
    const bool medium = context.float32MatmulPrecision() == at::Float32MatmulPrecision::MEDIUM;
    return medium ? MatmulPrecision::kMedium : MatmulPrecision::kHigh;
  } catch (const c10::Error&) {  // torch.backends.cuda.matmul.fp32_precision = "tf32" without the older switch
    return MatmulPrecision::kHigh;
  }
}

}  // namespace singerprint
