#include "augment/biquad_cascade.h"
#include "core/launch.cuh"

namespace singerprint {
namespace {

constexpr std::int64_t kTile = std::int64_t{kBiquadThreads} * kBiquadChunk;
constexpr int kPadded = kBiquadChunk + 1;  // odd: the threads' chunks begin in different banks

// What a block keeps of a section.
struct SectionMemory {
  BiquadPair<float> section;
  BiquadTransition<float> powers[kBiquadScanRounds];
  BiquadState<float> carry;  // the state at the end of the tile before
};
static_assert(kBiquadThreads * (kPadded * sizeof(float) + 2 * sizeof(BiquadState<float>)) +
                      kMaxBiquadSections * sizeof(SectionMemory) <=
                  48 * 1024,
              "more than the shared memory that a block has without asking");

__device__ BiquadState<float> end_of_chunk(const BiquadPair<float>& section, const float (&x)[kBiquadChunk]) {
  BiquadState<float> state = {0.0f, 0.0f};
#pragma unroll
  for (int n = 0; n < kBiquadChunk; n += 2) {
    float x0 = x[n], x1 = x[n + 1];
    biquad_step(section, state, x0, x1);
  }
  return state;
}

// The state that this thread's chunk starts from, given what every chunk makes of rest: an inclusive scan of the states
// at the chunks' ends (Hillis and Steele), read one chunk earlier. states: (2, kBiquadThreads).
__device__ BiquadState<float> start_of_chunk(SectionMemory& memory, BiquadState<float> end,
                                             BiquadState<float>* states) {
  const int thread = threadIdx.x;
  const BiquadState<float> carry = memory.carry;
  if (thread == 0) end = continued(memory.powers[0], carry, end);
  states[thread] = end;
  __syncthreads();
  int side = 0;
#pragma unroll
  for (int j = 0; j < kBiquadScanRounds; ++j) {
    if (thread >= 1 << j) end = continued(memory.powers[j], states[side * kBiquadThreads + thread - (1 << j)], end);
    side = 1 - side;
    states[side * kBiquadThreads + thread] = end;
    __syncthreads();
  }
  if (thread == kBiquadThreads - 1) memory.carry = end;
  const BiquadState<float> start = thread == 0 ? carry : states[side * kBiquadThreads + thread - 1];
  __syncthreads();  // the next section writes to `states`
  return start;
}

__device__ void filter_tile(SectionMemory* memory, std::int64_t sections, BiquadState<float>* states, float* chunk) {
  float x[kBiquadChunk];
#pragma unroll
  for (int n = 0; n < kBiquadChunk; ++n) x[n] = chunk[n];
  for (std::int64_t s = 0; s < sections; ++s) {
    const BiquadPair<float> section = memory[s].section;
    BiquadState<float> state = start_of_chunk(memory[s], end_of_chunk(section, x), states);
#pragma unroll
    for (int n = 0; n < kBiquadChunk; n += 2) biquad_step(section, state, x[n], x[n + 1]);
  }
#pragma unroll
  for (int n = 0; n < kBiquadChunk; ++n) chunk[n] = x[n];
}

// One block per clip, one thread per chunk of a tile; the tile lies in shared memory, so that global memory is read and
// written in whole lines.
__global__ void __launch_bounds__(kBiquadThreads)
    biquad_cascade_kernel(const float* waveforms, const double* coefficients, std::int64_t sections,
                          std::int64_t samples, float* result) {
  __shared__ float tile[kBiquadThreads * kPadded];
  __shared__ BiquadState<float> states[2 * kBiquadThreads];
  extern __shared__ SectionMemory memory[];
  const std::int64_t b = blockIdx.x;
  const float* const from = waveforms + b * samples;
  float* const to = result + b * samples;
  int is_identity = 1;
  for (std::int64_t s = threadIdx.x; s < sections; s += kBiquadThreads) {
    const double* const numbers = coefficients + (b * sections + s) * kBiquadCoefficients;
    const BiquadSection<double> section = biquad_section(numbers);
    is_identity &= biquad_is_identity(numbers);
    memory[s].section = biquad_pair(section);
    biquad_chunk_powers(section, memory[s].powers);
    memory[s].carry = {0.0f, 0.0f};
  }
  if (__syncthreads_and(is_identity)) {
    for (std::int64_t n = threadIdx.x; n < samples; n += kBiquadThreads) to[n] = from[n];
    return;
  }
  for (std::int64_t start = 0; start < samples; start += kTile) {
    for (int i = threadIdx.x; i < kTile; i += kBiquadThreads) {
      tile[i / kBiquadChunk * kPadded + i % kBiquadChunk] = start + i < samples ? from[start + i] : 0.0f;
    }
    __syncthreads();
    filter_tile(memory, sections, states, tile + threadIdx.x * kPadded);
    __syncthreads();
    for (int i = threadIdx.x; i < kTile && start + i < samples; i += kBiquadThreads) {
      to[start + i] = tile[i / kBiquadChunk * kPadded + i % kBiquadChunk];
    }
    __syncthreads();
  }
}

}  // namespace

const char* launch_biquad_cascade(const float* waveforms, const double* coefficients, std::int64_t batch,
                                  std::int64_t sections, std::int64_t samples, float* result, void* stream) {
  if (batch == 0 || samples == 0) return nullptr;
  const std::size_t bytes = static_cast<std::size_t>(sections) * sizeof(SectionMemory);
  biquad_cascade_kernel<<<grid_x(batch), kBiquadThreads, bytes, static_cast<cudaStream_t>(stream)>>>(
      waveforms, coefficients, sections, samples, result);
  return launch_error();
}

}  // namespace singerprint
