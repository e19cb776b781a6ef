// depthwise_gradient: gradients of one block of a depthwise convolution's channels, a clip at a time.
//   din[y]     = sum over i with (y + border - i) divisible by the stride of dout[(y + border - i) / stride] *
//   weight[i] dweight[i] = sum over clips and y of in[y * stride + i - border] * dout[y]
// and so along columns. With a stride of 2 the even rows have other taps than the odd ones: four convolutions of dout.
#pragma once
#include <cstdint>
#include <vector>

#include "dsp/aligned_floats.h"
#include "nn/inverted_residual_planes.h"

namespace singerprint {

class DepthwiseGradient {
 public:
  struct Memory {
    BorderedPlane in;
    BorderedPlane dout;
  };

  DepthwiseGradient(const InvertedResidualShape& shape, const float* filters, std::int64_t block, int workers);

  // To be filled before run.
  Memory& memory(int worker) { return memories_[worker]; }
  // din: (pixels, lanes)
  void run(std::int64_t clip, const Memory& memory, float* din);
  // dfilters: of all channels.
  void write_weights(float* dfilters) const;

 private:
  // The taps that meet every stride-th row, or column, from `first` on.
  struct Phase {
    std::int64_t first;
    int last_tap;
    int taps;
    std::int64_t begin;  // of dout, for the first row
  };
  Phase phase(std::int64_t first) const;
  void run_phase(Phase rows, Phase columns, const float* weights, const BorderedPlane& dout, float* din) const;
  void pack_phase(Phase rows, Phase columns, float* to) const;

  const InvertedResidualShape& shape_;
  std::int64_t block_;
  int kernel_;
  int stride_;
  const TrainingKernels& kernels_ = training_kernels();
  std::vector<Memory> memories_;
  AlignedFloats weights_;         // (kernel * kernel, lanes), as in the tensor
  AlignedFloats phase_weights_;   // those of the phases, one after the other
  AlignedFloats clip_gradients_;  // (clips, kernel * kernel, lanes)
};

}  // namespace singerprint
