// Wholes in parts of one size: ceil(whole / part), for whole >= 0 and part > 0.
#pragma once
#include <cstdint>

#include "core/host_device.h"

namespace singerprint {

// How many of them hold the whole; the last one may be filled in part.
SINGERPRINT_HOST_DEVICE inline constexpr std::int64_t parts_of(std::int64_t whole, std::int64_t part) {
  return (whole + part - 1) / part;
}

// How long those parts are together: the next multiple of `part`.
SINGERPRINT_HOST_DEVICE inline constexpr std::int64_t filled_up(std::int64_t whole, std::int64_t part) {
  return parts_of(whole, part) * part;
}

}  // namespace singerprint
