#include "augment/tanh_distortion.h"
#include "core/launch.cuh"
#include "dsp/magnitude_percentile.h"

namespace singerprint {
namespace {

constexpr int kClipThreads = 512;
constexpr int kWarps = kClipThreads / 32;
constexpr unsigned kWholeWarp = 0xffffffffu;

// How many keys lie in (prefix, any lower digits) with a digit of at most d at `shift`, for every d; in at_most[d],
// `below` added. All threads call it. counts: (kWarps, kDigitRange).
__device__ void count_digits(const float* x, std::int64_t samples, std::uint32_t prefix, int shift, std::int64_t below,
                             int (*counts)[kDigitRange], std::int64_t* at_most) {
  int mine[kDigitRange] = {};
  for (std::int64_t n = threadIdx.x; n < samples; n += kClipThreads) {
    const std::uint32_t digits = magnitude_key(x[n]) >> shift;
    const bool counted = digits >> kDigitBits == prefix;
#pragma unroll
    for (int d = 0; d < kDigitRange; ++d) mine[d] += counted && digits % kDigitRange <= d;
  }
#pragma unroll
  for (int d = 0; d < kDigitRange; ++d) {
    const int sum = __reduce_add_sync(kWholeWarp, mine[d]);
    if (threadIdx.x % 32 == 0) counts[threadIdx.x / 32][d] = sum;
  }
  __syncthreads();
  if (threadIdx.x < kDigitRange) {
    std::int64_t sum = below;
    for (int warp = 0; warp < kWarps; ++warp) sum += counts[warp][threadIdx.x];
    at_most[threadIdx.x] = sum;
  }
  __syncthreads();
}

// The least key above `key`; 0xffffffff if there is none. least: (kWarps).
__device__ std::uint32_t least_above(const float* x, std::int64_t samples, std::uint32_t key, std::uint32_t* least) {
  std::uint32_t mine = 0xffffffffu;
  for (std::int64_t n = threadIdx.x; n < samples; n += kClipThreads) {
    const std::uint32_t other = magnitude_key(x[n]);
    if (other > key && other < mine) mine = other;
  }
  mine = __reduce_min_sync(kWholeWarp, mine);
  if (threadIdx.x % 32 == 0) least[threadIdx.x / 32] = mine;
  __syncthreads();
  for (int warp = 0; warp < kWarps; ++warp) mine = least[warp] < mine ? least[warp] : mine;
  __syncthreads();
  return mine;
}

__device__ float clip_threshold(const float* x, std::int64_t samples, double part) {
  __shared__ int counts[kWarps][kDigitRange];
  __shared__ std::int64_t at_most[kDigitRange];
  __shared__ std::uint32_t least[kWarps];
  const PercentileRank rank = percentile_rank(samples, part);
  std::uint32_t key = 0;
  std::int64_t below = 0, up_to = 0;
  for (int shift = 32 - kDigitBits; shift >= 0; shift -= kDigitBits) {
    count_digits(x, samples, key, shift, below, counts, at_most);
    const int digit = digit_of_rank(at_most, rank.k);
    key = key << kDigitBits | static_cast<std::uint32_t>(digit);
    up_to = at_most[digit];
    if (digit > 0) below = at_most[digit - 1];
    __syncthreads();  // at_most is written anew
  }
  std::uint32_t next = key;
  if (up_to <= rank.k + 1 && rank.k + 1 < samples) next = least_above(x, samples, key, least);
  return between(magnitude_of_key(key), magnitude_of_key(next), rank.beyond);
}

// The sum over the block, in a fixed order, for every thread. sums: (kWarps).
__device__ double sum_of_block(double value, double* sums) {
  for (int offset = 16; offset > 0; offset /= 2) value += __shfl_down_sync(kWholeWarp, value, offset);
  if (threadIdx.x % 32 == 0) sums[threadIdx.x / 32] = value;
  __syncthreads();
  double sum = 0;
  for (int warp = 0; warp < kWarps; ++warp) sum += sums[warp];
  __syncthreads();
  return sum;
}

// One block per clip.
__global__ void __launch_bounds__(kClipThreads)
    tanh_distortion_kernel(const float* waveforms, const float* amount, std::int64_t samples, float* result) {
  __shared__ double sums[kWarps];
  const std::int64_t b = blockIdx.x;
  const float* const x = waveforms + b * samples;
  float* const y = result + b * samples;
  if (amount[b] == 0.0f) {
    for (std::int64_t n = threadIdx.x; n < samples; n += kClipThreads) y[n] = x[n];
    return;
  }
  const float gain = gain_to_threshold(clip_threshold(x, samples, part_below_threshold(amount[b])));
  double before = 0, after = 0;
  for (std::int64_t n = threadIdx.x; n < samples; n += kClipThreads) {
    const float squashed = soft_tanh(gain * x[n]);
    before += static_cast<double>(x[n]) * x[n];
    after += static_cast<double>(squashed) * squashed;
  }
  before = sum_of_block(before, sums);
  after = sum_of_block(after, sums);
  const float level = level_keeping_gain(before, after, samples);
  for (std::int64_t n = threadIdx.x; n < samples; n += kClipThreads) y[n] = level * soft_tanh(gain * x[n]);
}

}  // namespace

const char* launch_tanh_distortion(const float* waveforms, const float* amount, std::int64_t batch,
                                   std::int64_t samples, float* result, void* stream) {
  if (batch == 0 || samples == 0) return nullptr;
  tanh_distortion_kernel<<<grid_x(batch), kClipThreads, 0, static_cast<cudaStream_t>(stream)>>>(waveforms, amount,
                                                                                                samples, result);
  return launch_error();
}

}  // namespace singerprint
