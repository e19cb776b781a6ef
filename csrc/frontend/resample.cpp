#include "frontend/resample.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <tuple>
#include <vector>

#include "core/cache.h"
#include "core/check.h"
#include "core/cuda.h"
#include "core/device_table.h"
#include "core/precompiled.h"
#include "dsp/resample_filter.h"
#include "frontend/resample_clips.h"

namespace singerprint {
namespace {

constexpr std::int64_t kHighestHz = 1 << 24, kLargestRatio = 256;
constexpr std::size_t kCachedTables = 16;

void check_rates(const char* op, std::int64_t from_hz, std::int64_t to_hz) {
  TORCH_CHECK_VALUE(from_hz >= 1 && from_hz <= kHighestHz, op, ": from_hz must be a whole number in [1, ", kHighestHz,
                    "], got ", from_hz);
  TORCH_CHECK_VALUE(to_hz >= 1 && to_hz <= kHighestHz, op, ": to_hz must be a whole number in [1, ", kHighestHz,
                    "], got ", to_hz);
  TORCH_CHECK_VALUE(to_hz <= kLargestRatio * from_hz && from_hz <= kLargestRatio * to_hz, op,
                    ": to_hz must be within a factor of ", kLargestRatio, " of from_hz = ", from_hz, ", got ", to_hz);
}

at::Tensor resample_meta(const at::Tensor& waveforms, std::int64_t from_hz, std::int64_t to_hz) {
  check_real_waveforms("resample", waveforms);
  check_rates("resample", from_hz, to_hz);
  const c10::SymInt outputs = resample_ratio(from_hz, to_hz).outputs(waveforms.sym_size(1));
  return at::empty_symint({waveforms.sym_size(0), outputs}, waveforms.options());
}

at::Tensor resample_backward_meta(const at::Tensor& grad, std::int64_t from_hz, std::int64_t to_hz,
                                  c10::SymInt samples) {
  check_real_waveforms("resample_backward", grad, "grad");
  check_rates("resample_backward", from_hz, to_hz);
  TORCH_CHECK_VALUE(samples >= 0, "resample_backward: samples must not be negative, got ", samples);
  const c10::SymInt outputs = resample_ratio(from_hz, to_hz).outputs(samples);
  TORCH_CHECK_VALUE(grad.sym_size(1) == outputs, "resample_backward: grad must have ", outputs, " samples, got ",
                    grad.sym_size(1));
  return at::empty_symint({grad.sym_size(0), samples}, grad.options());
}

void compute_on_cpu(const at::Tensor& waveforms, const ResampleDirection& direction, const at::Tensor& result) {
  const at::Tensor source = waveforms.contiguous();
  const ResampleShape shape{source.size(0), source.size(1), result.size(1)};
  if (direction.ratio.step_in == direction.ratio.step_out) {
    result.copy_(source);
  } else if (source.scalar_type() == at::kDouble) {
    resample_clips(direction, source.const_data_ptr<double>(), shape, result.mutable_data_ptr<double>());
  } else {
    resample_clips(direction, source.const_data_ptr<float>(), shape, result.mutable_data_ptr<float>());
  }
}

// The rows in a device's memory, transposed to (taps, rows).
template <class Number>
std::shared_ptr<const at::Tensor> device_rows(const ResampleDirection& direction, const ResampleTaps& taps,
                                              c10::Device device) {
  using Key = std::tuple<ResampleDirection, c10::DeviceIndex>;
  // Never emptied, never destroyed: a kernel may still read a table, and at exit CUDA is gone before the statics.
  static auto& cache = *new Cache<Key, at::Tensor>(SIZE_MAX);
  return cache.get({direction, device.index()}, [&] {
    const std::size_t width = static_cast<std::size_t>(taps.taps), rows = taps.rows.size() / width;
    std::vector<Number> transposed(taps.rows.size());
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t tap = 0; tap < width; ++tap) {
        transposed[tap * rows + row] = static_cast<Number>(taps.rows[row * width + tap]);
      }
    }
    return std::make_shared<const at::Tensor>(on_device(transposed, c10::CppTypeToScalarType<Number>::value, device));
  });
}

template <class Number>
void launch_on_cuda(const at::Tensor& waveforms, const ResampleDirection& direction, const at::Tensor& result) {
  const auto taps = taps_of(direction);
  const std::shared_ptr<const at::Tensor> weights = device_rows<Number>(direction, *taps, waveforms.device());
  const std::int64_t rows = weights->numel() / taps->taps;
  const ResampleRows<Number> view{direction.ratio.step_in,
                                  direction.ratio.step_out,
                                  taps->exact,
                                  taps->taps,
                                  taps->phases,
                                  weights->const_data_ptr<Number>(),
                                  1,
                                  rows};
  const at::Tensor source = waveforms.contiguous();
  check_launch("resample",
               launch_resample(view, source.const_data_ptr<Number>(), source.size(0), source.size(1), result.size(1),
                               result.mutable_data_ptr<Number>(), current_stream(waveforms)));
}

[[maybe_unused]] void compute_on_cuda(const at::Tensor& waveforms, const ResampleDirection& direction,
                                      const at::Tensor& result) {
  const c10::DeviceGuard guard(waveforms.device());
  if (direction.ratio.step_in == direction.ratio.step_out) {
    result.copy_(waveforms);
  } else if (waveforms.scalar_type() == at::kDouble) {
    launch_on_cuda<double>(waveforms, direction, result);
  } else {
    launch_on_cuda<float>(waveforms, direction, result);
  }
}

at::Tensor resample_cpu(const at::Tensor& waveforms, std::int64_t from_hz, std::int64_t to_hz) {
  at::Tensor result = resample_meta(waveforms, from_hz, to_hz);
  compute_on_cpu(waveforms, {resample_ratio(from_hz, to_hz), false}, result);
  return result;
}

at::Tensor resample_backward_cpu(const at::Tensor& grad, std::int64_t from_hz, std::int64_t to_hz,
                                 c10::SymInt samples) {
  at::Tensor result = resample_backward_meta(grad, from_hz, to_hz, samples);
  compute_on_cpu(grad, {resample_ratio(to_hz, from_hz), true}, result);
  return result;
}

[[maybe_unused]] at::Tensor resample_cuda(const at::Tensor& waveforms, std::int64_t from_hz, std::int64_t to_hz) {
  at::Tensor result = resample_meta(waveforms, from_hz, to_hz);
  compute_on_cuda(waveforms, {resample_ratio(from_hz, to_hz), false}, result);
  return result;
}

[[maybe_unused]] at::Tensor resample_backward_cuda(const at::Tensor& grad, std::int64_t from_hz, std::int64_t to_hz,
                                                   c10::SymInt samples) {
  at::Tensor result = resample_backward_meta(grad, from_hz, to_hz, samples);
  compute_on_cuda(grad, {resample_ratio(to_hz, from_hz), true}, result);
  return result;
}

// (inputs, outputs, ahead): cell c of a stream is the outputs [c outputs, (c + 1) outputs). They need the samples from
// (c - 1) inputs to (c + 1) inputs + ahead, and are the same bits wherever else the waveform begins at a cell and ends.
std::vector<std::int64_t> resample_cell(std::int64_t from_hz, std::int64_t to_hz) {
  check_rates("resample", from_hz, to_hz);
  const ResampleCell cell = cell_of(resample_ratio(from_hz, to_hz));
  return {cell.inputs, cell.outputs, cell.ahead};
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(singerprint, library) {
  library.def("resample(Tensor waveforms, int from_hz, int to_hz) -> Tensor");
  library.def("resample_backward(Tensor grad, int from_hz, int to_hz, SymInt samples) -> Tensor");
  library.def("resample_cell(int from_hz, int to_hz) -> int[]", &resample_cell);
}
TORCH_LIBRARY_IMPL(singerprint, Meta, library) {
  library.impl("resample", &resample_meta);
  library.impl("resample_backward", &resample_backward_meta);
}
TORCH_LIBRARY_IMPL(singerprint, CPU, library) {
  library.impl("resample", &resample_cpu);
  library.impl("resample_backward", &resample_backward_cpu);
}
SINGERPRINT_REGISTER_CUDA(resample)
SINGERPRINT_REGISTER_CUDA(resample_backward)

}  // namespace singerprint
