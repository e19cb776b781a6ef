// PhaseGrid: sums over the lines of a voice by way of a grid of points of its turn, a non-uniform Fourier transform.
//   lines of samples   a_k  = sum_n x[n] exp(-2 pi i k s[n]) = d_k sum_j u[j] exp(-2 pi i k t_j)
//                      u[j] = sum_n phi(G (s[n] - t_j)) x[n]
//   samples of lines   y[n] = Re sum_k c_k exp(2 pi i k s[n]) = sum_j phi(G (s[n] - t_j)) T[j]
//                      T[j] = Re sum_k d_k c_k exp(2 pi i k t_j)
// k = 1 .. lines, t_j = (j + 1/2) / G - 1/2, phi the Kaiser-Bessel window of 8 points, d_k = 1 / its transform, G at
// least 2.5 lines: within 2e-5 of the direct sums (3e-4 for the highest fifth of the lines), in which every sample pays
// for every line. Here the points do.
// Fessler and Sutton, "Nonuniform fast Fourier transforms using min-max interpolation", IEEE Trans. Signal Process. 51
// (2003), 560-574.
#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "core/dispatch.h"
#include "dsp/harmonic_lines.h"

namespace singerprint {

inline constexpr int kGridTaps = 8;             // points that a sample touches
inline constexpr int kGridCopies = 4;           // that neighbouring samples are added to in turn, but for AVX-512
inline constexpr std::int32_t kGridLanes = 16;  // numbers that lanes read and write at once, at most

// Numbers round the circle: of the points, from four before the first on, and what is read or written beyond at once.
inline constexpr std::int32_t kGridTableTail = 2 * kGridLanes;
inline std::int32_t grid_table_length(std::int32_t points) { return points + kGridTableTail; }

// phi where a sample lies u from the middle between two points, |u| <= 1/2: at the four points before it
// even(u^2) + u odd(u^2), at those behind it, from the last one on, the same of -u. Coefficients of 1, u^2, u^4, u^6.
struct GridKernel {
  float even[kGridTaps / 2][4], odd[kGridTaps / 2][4];
};
const GridKernel& grid_kernel();

// Points j and G - 1 - j have the same cosines and opposite sines: half of the points are enough.
struct PhaseGrid {
  std::int32_t points;                                // G
  std::int32_t half;                                  // points / 2, whole lanes
  std::int32_t stride;                                // lines in whole lanes
  std::vector<float> cosine, sine;                    // (stride, half) of 2 pi k t_j
  std::vector<float> cosine_of_point, sine_of_point;  // (half, stride), transposed
  std::vector<float> correction;                      // (stride): d_k, 0 beyond the lines
};
// The smallest grid that carries so many lines.
std::shared_ptr<const PhaseGrid> phase_grid(std::int32_t lines);

// u of an interval of samples under both halves of the window, 1 - rising_window[n] (f) and rising_window[n] (r).
// folded (4, half): f and r of u[j] + u[G - 1 - j], then of u[j] - u[G - 1 - j]. work: grid_work_floats.
// waveform and rising_window go on for kGridLanes numbers, the waveform with zeros.
inline std::int64_t grid_work_floats(std::int32_t points) { return 2 * kGridCopies * grid_table_length(points); }
SINGERPRINT_DECLARE_LANES(void, spread_to_grid_lanes,
                          (const float* waveform, std::int64_t spacing, const float* rising_window,
                           const IntervalPhase& phase, const GridKernel& kernel, std::int32_t points, float* work,
                           float* folded))
// result (4, columns): sums over the rows of weights[0] cosine, weights[1] cosine, weights[2] sine and weights[3] sine.
// cosine, sine (rows, columns), weights (4, rows); columns: whole lanes.
SINGERPRINT_DECLARE_LANES(void, sum_rows_lanes,
                          (const float* weights, std::int32_t rows, const float* cosine, const float* sine,
                           std::int32_t columns, float* result))
// table (2, grid_table_length): T of two sets of lines. sums (4, points / 2): sum_rows_lanes of their d c.re, twice,
// and d c.im.
SINGERPRINT_DECLARE_LANES(void, unfold_table_lanes, (const float* sums, std::int32_t points, float* table))
// sum[n] = (1 - w) y0[n] + w y1[n], w = rising_window[n], n = 0 .. spacing - 1; both have room for kGridLanes more.
SINGERPRINT_DECLARE_LANES(void, read_table_lanes,
                          (const float* table, std::int32_t points, std::int64_t spacing, const float* rising_window,
                           const IntervalPhase& phase, const GridKernel& kernel, float* sum))

}  // namespace singerprint
