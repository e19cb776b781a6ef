// transpose: turns kLanes rows of kLanes numbers into their columns, in registers.
// For .lanes.cpp files alone, as core/lane.h.
#pragma once
#include "core/lane.h"

namespace singerprint::SINGERPRINT_ISA {

// (a0 b0 a1 b1 ...) of the first and of the second half of a and b.
[[gnu::always_inline]] inline void interleave(Lane a, Lane b, Lane& low, Lane& high) {
#if defined(__clang__)
  for (int lane = 0; lane < kLanes; ++lane) {  // clang has no __builtin_shuffle, and finds the shuffle in this
    low.v[lane] = (lane % 2 == 0 ? a : b).v[lane / 2];
    high.v[lane] = (lane % 2 == 0 ? a : b).v[lane / 2 + kLanes / 2];
  }
#else
  IntVector index;
  for (int lane = 0; lane < kLanes; ++lane) index[lane] = lane / 2 + (lane % 2) * kLanes;
  low = Lane(__builtin_shuffle(a.v, b.v, index));
  high = Lane(__builtin_shuffle(a.v, b.v, index + kLanes / 2));
#endif
}

// log2(kLanes) rounds of interleaving row i with row i + kLanes / 2 (a perfect shuffle of the row and lane bits).
[[gnu::always_inline]] inline void transpose(Lane (&rows)[kLanes]) {
#pragma GCC unroll 4
  for (int round = 1; round < kLanes; round *= 2) {
    Lane next[kLanes];
#pragma GCC unroll 8
    for (int i = 0; i < kLanes / 2; ++i) interleave(rows[i], rows[i + kLanes / 2], next[2 * i], next[2 * i + 1]);
#pragma GCC unroll 16
    for (int i = 0; i < kLanes; ++i) rows[i] = next[i];
  }
}

}  // namespace singerprint::SINGERPRINT_ISA
