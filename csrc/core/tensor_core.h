// The product of tensor cores that a warp makes together, from compute capability 8.0 on:
//   sums (16, 8) += a (16, depth) * b (depth, 8)
// in words of 32 bits, 8 of them along the depth. In lane 4 g + t (PTX ISA, "Matrix Fragments for mma.m16n8k8" and
// "... mma.m16n8k16"):
//   a[0], a[1], a[2], a[3]   word t of row g, word t of row g + 8, word t + 4 of row g, word t + 4 of row g + 8
//   b[0], b[1]               word t and word t + 4 of column g
//   sums[0], sums[1]         row g, columns 2 t and 2 t + 1
//   sums[2], sums[3]         row g + 8, likewise
// A word holds one value in TF32 or two neighbours in bfloat16. On the host the same words, rounded alike, are
// multiplied in double and rounded once a product; how a tensor core rounds the sums within one NVIDIA does not say.
#pragma once
#include <cstdint>

#include "core/lockstep.h"
#include "core/scalar.h"

namespace singerprint {

inline constexpr int kDepthWords = 8;  // of one product
inline constexpr int kProductRows = 16, kProductColumns = 8;

// To 10 bits after the point, halves away from zero.
SINGERPRINT_HOST_DEVICE inline std::uint32_t to_tf32(float value) {
#if defined(__CUDA_ARCH__)
  std::uint32_t word = 0;
#if __CUDA_ARCH__ >= 800
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(word) : "f"(value));
#endif
  return word;
#else
  if (value != value) return bits_of(value);
  return (bits_of(value) + 0x1000u) & 0xFFFFE000u;
#endif
}

// To 7 bits after the point each, halves to even; `first` in the lower half of the word.
SINGERPRINT_HOST_DEVICE inline std::uint32_t to_bfloat16(float first, float second) {
#if defined(__CUDA_ARCH__)
  std::uint32_t word = 0;
#if __CUDA_ARCH__ >= 800
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(second), "f"(first));
#endif
  return word;
#else
  const auto half = [](float value) -> std::uint32_t {
    if (value != value) return 0x7FFFu;
    const std::uint32_t bits = bits_of(value);
    return (bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16;
  };
  return half(first) | half(second) << 16;
#endif
}

// What multiplies and adds in PTX, and what its words mean on the host.
struct Tf32Words {
  static constexpr int kValues = 1;

  SINGERPRINT_HOST_DEVICE static float value_of(std::uint32_t word, int) { return float_of_bits(word); }
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  __device__ static void multiply_add(const std::uint32_t (&a)[4], const std::uint32_t (&b)[2], float (&sums)[4]) {
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  }
#endif
};

struct Bfloat16Words {
  static constexpr int kValues = 2;

  SINGERPRINT_HOST_DEVICE static float value_of(std::uint32_t word, int index) {
    return float_of_bits(index == 0 ? word << 16 : word & 0xFFFF0000u);
  }
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  __device__ static void multiply_add(const std::uint32_t (&a)[4], const std::uint32_t (&b)[2], float (&sums)[4]) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
        "{%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  }
#endif
};

// One warp's product on the host. left(lane), right(lane), sums(lane): the words, the words and the sums of a lane.
template <class Words, class Left, class Right, class Sums>
void emulate_product(const Left& left, const Right& right, const Sums& sums) {
  for (int row = 0; row < kProductRows; ++row) {
    for (int column = 0; column < kProductColumns; ++column) {
      float& sum = sums(row % 8 * 4 + column / 2)[row / 8 * 2 + column % 2];
      double exact = sum;
      for (int word = 0; word < kDepthWords; ++word) {
        const std::uint32_t a = left(row % 8 * 4 + word % 4)[row / 8 + word / 4 * 2];
        const std::uint32_t b = right(column * 4 + word % 4)[word / 4];
        for (int v = 0; v < Words::kValues; ++v) {
          exact += static_cast<double>(Words::value_of(a, v)) * static_cast<double>(Words::value_of(b, v));
        }
      }
      sum = static_cast<float>(exact);
    }
  }
}

// How float32 is multiplied: what is staged, what a thread holds of it, and the products that make up one.
//   bfloat16: x to 2^-9 of x; products are exact, sums float32
struct Bfloat16 {
  using Words = Bfloat16Words;
  static constexpr int kParts = 1;  // of what a thread holds
  static constexpr int kProducts = 1;

  SINGERPRINT_HOST_DEVICE static std::uint32_t word_of(const float (&values)[2]) {
    return to_bfloat16(values[0], values[1]);
  }
  SINGERPRINT_HOST_DEVICE static void split(std::uint32_t word, std::uint32_t (&parts)[1]) { parts[0] = word; }
  SINGERPRINT_HOST_DEVICE static int left_part(int) { return 0; }
  SINGERPRINT_HOST_DEVICE static int right_part(int) { return 0; }
};

//   three products of TF32: x = large + small to 2^-23 of x; small * small, at most 2^-22 of the product, is left out.
//   The small ones come first.
struct Tf32x3 {
  using Words = Tf32Words;
  static constexpr int kParts = 2;  // large, small
  static constexpr int kProducts = 3;

  SINGERPRINT_HOST_DEVICE static std::uint32_t word_of(const float (&values)[1]) { return bits_of(values[0]); }
  SINGERPRINT_HOST_DEVICE static void split(std::uint32_t word, std::uint32_t (&parts)[2]) {
    const float value = float_of_bits(word);
    parts[0] = to_tf32(value);
    parts[1] = to_tf32(value - float_of_bits(parts[0]));
  }
  SINGERPRINT_HOST_DEVICE static int left_part(int product) { return product == 0 ? 1 : 0; }
  SINGERPRINT_HOST_DEVICE static int right_part(int product) { return product == 1 ? 1 : 0; }
};

// kWords words of an operand, split.
template <class Format, int kWords>
struct Fragment {
  std::uint32_t parts[Format::kParts][kWords];

  SINGERPRINT_HOST_DEVICE void set(int index, std::uint32_t word) {
    std::uint32_t of_word[Format::kParts];
    Format::split(word, of_word);
    for (int part = 0; part < Format::kParts; ++part) parts[part][index] = of_word[part];
  }
};

// sums[tile] += a * b by each warp of the block for itself, in the precision of the format.
template <class Format, int kThreads, int kTiles>
SINGERPRINT_HOST_DEVICE inline void multiply_add_warps(PerThread<Fragment<Format, 4>, kThreads>& a,
                                                       PerThread<Fragment<Format, 2>, kThreads>& b, int tile,
                                                       PerThread<float[kTiles][4], kThreads>& sums) {
#ifdef __CUDA_ARCH__
#if __CUDA_ARCH__ >= 800
#pragma unroll
  for (int product = 0; product < Format::kProducts; ++product) {
    Format::Words::multiply_add(a[0].parts[Format::left_part(product)], b[0].parts[Format::right_part(product)],
                                sums[0][tile]);
  }
#endif
#else
  for (int warp = 0; warp < kThreads; warp += kWarp) {
    for (int product = 0; product < Format::kProducts; ++product) {
      emulate_product<typename Format::Words>(
          [&](int lane) -> auto& { return a[warp + lane].parts[Format::left_part(product)]; },
          [&](int lane) -> auto& { return b[warp + lane].parts[Format::right_part(product)]; },
          [&](int lane) -> auto& { return sums[warp + lane][tile]; });
    }
  }
#endif
}

}  // namespace singerprint
