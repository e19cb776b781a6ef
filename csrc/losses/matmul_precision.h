// How the tiled losses multiply float32 matrices on CUDA: PyTorch's own switch, torch.set_float32_matmul_precision.
//   highest   float32
//   high      three TF32 products on tensor cores: a cosine to about 2^-21
//   medium    one bfloat16 product on tensor cores: a cosine to 2^-8
// The CPU, float64 and GPUs without such tensor cores (compute capability below 8.0) know but one way.
#pragma once

namespace singerprint {

enum class MatmulPrecision { kHighest, kHigh, kMedium };

// What PyTorch is set to now; asked at each launch.
MatmulPrecision matmul_precision();

}  // namespace singerprint
