// The lanes of core/random.h: kLanes Philox blocks side by side, 4 * kLanes normals at once. For .lanes.cpp files
// alone.
//
// Wide holds kLanes / 2 numbers of 32 bits in lanes of 64: the multiplication reads low halves alone and leaves the
// high half of its result where a shift finds it, so between two rounds nothing is packed, and high halves hold
// anything.
#pragma once
#include "core/lane.h"
#include "core/random.h"

namespace singerprint::SINGERPRINT_ISA {

inline Lane square_root(Lane a) { return sqrt(a); }
inline Lane signed_to_float(UintLane a) { return Lane(__builtin_convertvector((IntVector)a.v, FloatVector)); }
inline UintLane shift_right_signed(UintLane a, int count) { return UintLane((UintVector)((IntVector)a.v >> count)); }

// Rounded once, like the scalar conversion.
inline Lane unsigned_to_float(UintLane a) {
#if defined(__AVX512F__)
  return Lane((FloatVector)_mm512_cvtepu32_ps((__m512i)a.v));
#else
  // There is no unsigned conversion here: both halves are exact, and the fma rounds their sum.
  const Lane high = signed_to_float(UintLane(a.v >> 16));
  return fma(high, Lane(65536.0f), signed_to_float(UintLane(a.v & 0xffffu)));
#endif
}

typedef std::uint64_t WideVector __attribute__((vector_size(kLanes * sizeof(std::uint32_t))));

inline WideVector multiply_low_halves(WideVector a, std::uint32_t b) {
#if defined(__AVX512F__)
  return (WideVector)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64(b));
#elif defined(__AVX2__)
  return (WideVector)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x(b));
#else
  return (a & 0xffffffffu) * b;
#endif
}

struct WideBlock {
  WideVector word[4];
};

inline WideBlock philox_round(WideBlock counter, PhiloxKey key) {
  const WideVector product0 = multiply_low_halves(counter.word[0], kPhiloxMultiplier0);
  const WideVector product1 = multiply_low_halves(counter.word[2], kPhiloxMultiplier1);
  return {{(product1 >> 32) ^ counter.word[1] ^ key.low, product1,  //
           (product0 >> 32) ^ counter.word[3] ^ key.high, product0}};
}

struct BlockLanes {
  UintLane word[4];
};

// The blocks draw_block(draws, index), one for every lane of index.
inline BlockLanes draw_blocks(const DrawStream& draws, UintLane index) {
  const WideVector clip_id = WideVector{} + draws.clip_id;
  const WideVector epoch = WideVector{} + draws.epoch;
  const WideVector stream = WideVector{} + draws.stream;
  WideBlock even = {{(WideVector)index.v, clip_id, epoch, stream}};
  WideBlock odd = {{(WideVector)index.v >> 32, clip_id, epoch, stream}};
  PhiloxKey key = draws.key;
#pragma GCC unroll 10
  for (int round = 0; round < kPhiloxRounds; ++round) {
    even = philox_round(even, key);
    odd = philox_round(odd, key);
    key.low += kPhiloxWeyl0;
    key.high += kPhiloxWeyl1;
  }
  BlockLanes blocks;
  for (int w = 0; w < 4; ++w) {
    blocks.word[w] = UintLane((UintVector)((even.word[w] & 0xffffffffu) | (odd.word[w] << 32)));
  }
  return blocks;
}

// 4 x 4 transposition within every quarter of four lanes: row r, lane 4 q + c <-> row c, lane 4 q + r.
inline void transpose_quarters(Lane rows[4]) {
#if defined(__AVX512F__)
  const __m512 low01 = _mm512_unpacklo_ps((__m512)rows[0].v, (__m512)rows[1].v);
  const __m512 high01 = _mm512_unpackhi_ps((__m512)rows[0].v, (__m512)rows[1].v);
  const __m512 low23 = _mm512_unpacklo_ps((__m512)rows[2].v, (__m512)rows[3].v);
  const __m512 high23 = _mm512_unpackhi_ps((__m512)rows[2].v, (__m512)rows[3].v);
  rows[0].v = (FloatVector)_mm512_shuffle_ps(low01, low23, 0x44);
  rows[1].v = (FloatVector)_mm512_shuffle_ps(low01, low23, 0xee);
  rows[2].v = (FloatVector)_mm512_shuffle_ps(high01, high23, 0x44);
  rows[3].v = (FloatVector)_mm512_shuffle_ps(high01, high23, 0xee);
#elif defined(__AVX2__)
  const __m256 low01 = _mm256_unpacklo_ps((__m256)rows[0].v, (__m256)rows[1].v);
  const __m256 high01 = _mm256_unpackhi_ps((__m256)rows[0].v, (__m256)rows[1].v);
  const __m256 low23 = _mm256_unpacklo_ps((__m256)rows[2].v, (__m256)rows[3].v);
  const __m256 high23 = _mm256_unpackhi_ps((__m256)rows[2].v, (__m256)rows[3].v);
  rows[0].v = (FloatVector)_mm256_shuffle_ps(low01, low23, 0x44);
  rows[1].v = (FloatVector)_mm256_shuffle_ps(low01, low23, 0xee);
  rows[2].v = (FloatVector)_mm256_shuffle_ps(high01, high23, 0x44);
  rows[3].v = (FloatVector)_mm256_shuffle_ps(high01, high23, 0xee);
#else
  const Lane source[4] = {rows[0], rows[1], rows[2], rows[3]};
  for (int r = 0; r < 4; ++r) {
    for (int c = 0; c < 4; ++c) rows[r].v[c] = source[c].v[r];
  }
#endif
}

inline constexpr int kNormals = 4 * kLanes;

// Elements 4 * first_index .. 4 * first_index + kNormals - 1, in order: kLanes a row.
struct NormalLanes {
  Lane row[4];
};
inline NormalLanes normal_lanes(const DrawStream& draws, std::uint32_t first_index) {
  // Lane 4 q + j computes block (kLanes / 4) j + q: then the transposition within quarters leaves the rows in order.
  UintLane offset;
  for (int lane = 0; lane < kLanes; ++lane) offset.v[lane] = (kLanes / 4) * (lane % 4) + lane / 4;  // a constant
  const BlockLanes blocks = draw_blocks(draws, UintLane(first_index) + offset);
  NormalLanes normals;
  box_muller(blocks.word[0], blocks.word[1], normals.row[0], normals.row[1]);
  box_muller(blocks.word[2], blocks.word[3], normals.row[2], normals.row[3]);
  transpose_quarters(normals.row);
  return normals;
}

}  // namespace singerprint::SINGERPRINT_ISA
