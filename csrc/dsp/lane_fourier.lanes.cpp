#include "dsp/lane_fourier.h"

#include <cstddef>

#include "dsp/lane_butterflies.h"
#include "dsp/lane_complex.h"

namespace singerprint::SINGERPRINT_ISA {
namespace {

// Where a short transform reads and writes: numbers at a distance.
struct Numbers {
  ComplexLane* first;
  std::ptrdiff_t distance;
  ComplexLane& operator[](std::ptrdiff_t i) const { return first[i * distance]; }
};

// One pass over `size` numbers left at distance `stride`, all but the last.
template <int kRadix>
void middle_pass(Numbers from, Numbers to, int size, int stride, const float* twiddles) {
  const int columns = size / kRadix;
  for (int p = 0; p < columns; ++p, twiddles += 2 * (kRadix - 1)) {
    for (int q = 0; q < stride; ++q) {
      ComplexLane x[kRadix];
#pragma GCC unroll 10
      for (int i = 0; i < kRadix; ++i) x[i] = from[q + stride * (p + columns * i)];
      butterfly(x);
      to[q + stride * kRadix * p] = x[0];
#pragma GCC unroll 10
      for (int i = 1; i < kRadix; ++i) {
        to[q + stride * (kRadix * p + i)] = multiply(x[i], twiddles + 2 * (i - 1));
      }
    }
  }
}

// The last pass has no twiddles of its own; `outer`, (size of the line) pairs, are those of the four steps, or null.
template <int kRadix>
void last_pass(Numbers from, Numbers to, int stride, const float* outer) {
  for (int q = 0; q < stride; ++q) {
    ComplexLane x[kRadix];
#pragma GCC unroll 10
    for (int i = 0; i < kRadix; ++i) x[i] = from[q + stride * i];
    butterfly(x);
    if (outer == nullptr) {
#pragma GCC unroll 10
      for (int i = 0; i < kRadix; ++i) to[q + stride * i] = x[i];
    } else {
#pragma GCC unroll 10
      for (int i = 0; i < kRadix; ++i) to[q + stride * i] = multiply(x[i], outer + 2 * (q + stride * i));
    }
  }
}

template <int kRadix>
void pass(const FourierLine& line, int index, int size, Numbers from, Numbers to, const float* outer) {
  if (size == kRadix) {
    last_pass<kRadix>(from, to, line.size / size, outer);
  } else {
    middle_pass<kRadix>(from, to, size, line.size / size, line.twiddles[index]);
  }
}

// In place; `work` holds 2 line.size numbers.
void transform_line(const FourierLine& line, Numbers numbers, const float* outer, ComplexLane* work) {
  Numbers from = numbers;
  for (int index = 0, size = line.size; index < line.passes; size /= line.radix[index++]) {
    const Numbers between{work + index % 2 * line.size, 1};
    const Numbers to = index + 1 < line.passes ? between : numbers;
    switch (line.radix[index]) {
      case 2:
        pass<2>(line, index, size, from, to, outer);
        break;
      case 3:
        pass<3>(line, index, size, from, to, outer);
        break;
      case 4:
        pass<4>(line, index, size, from, to, outer);
        break;
      case 5:
        pass<5>(line, index, size, from, to, outer);
        break;
      case 7:
        pass<7>(line, index, size, from, to, outer);
        break;
      default:
        pass<8>(line, index, size, from, to, outer);
    }
    from = to;
  }
}

}  // namespace

int fourier_lane_count() { return kLanes; }

void fourier_lanes(const FourierTables& tables, float* numbers, float* work) {
  auto* const x = reinterpret_cast<ComplexLane*>(numbers);
  auto* const spare = reinterpret_cast<ComplexLane*>(work);
  for (int b = 0; b < tables.columns; ++b) {
    transform_line(tables.along_columns, {x + b, tables.pitch}, tables.twiddles + 2 * std::ptrdiff_t{b} * tables.rows,
                   spare);
  }
  for (int c = 0; c < tables.rows; ++c) {
    transform_line(tables.along_rows, {x + std::ptrdiff_t{c} * tables.pitch, 1}, nullptr, spare);
  }
}

}  // namespace singerprint::SINGERPRINT_ISA
