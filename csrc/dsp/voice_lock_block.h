// The phases of a voiced segment, its marks and its grains, by the threads of a CUDA block: the second half of
// dsp/voice_block.h.
#pragma once
#include "dsp/voice_block.h"

namespace singerprint {

struct Loudness {
  float v[kLockHarmonics];
};
struct LeadStep {
  double measured, limit;
};
// What a block of lock_segment keeps.
struct LockMemory {
  union {
    Loudness loudness[kWalkTile];
    LeadStep leads[kWalkTile];
    Moment moments[kWalkTile];
    double advances[kWalkTile];
  };
  union {
    int harmonic;
    double number;
  };
};

// The leads at the knots of a segment, locked on the strongest of the first harmonics.
SINGERPRINT_HOST_DEVICE inline void follow_leads(BlockThread thread, const PitchPlan& plan, const ShiftBuffers& clip,
                                                 const VoicedSegment& segment, LockMemory& memory) {
  const std::int64_t first = segment.first_knot, count = segment.last_knot - first + 1;
  float loudness[kLockHarmonics] = {};
  walk_in_order(
      thread, count, memory.loudness,
      [&](std::int64_t i) {
        const float* const sums = clip.sums + (first + i) * kKnotSums;
        Loudness own{};
        for (int h = 0; h < kLockHarmonics; ++h) own.v[h] = hypotf(sums[2 * h], sums[2 * h + 1]);
        return own;
      },
      [&](const Loudness& element) {
        for (int h = 0; h < kLockHarmonics; ++h) loudness[h] += element.v[h];
      },
      [](std::int64_t, const Loudness&) {});
  const int h = from_first_thread(thread, lock_harmonic(loudness), &memory.harmonic);
  const double turns = 1.0 / (h + 1);
  double lead = 0.0;
  bool begun = false;
  walk_in_order(
      thread, count, memory.leads,
      [&](std::int64_t i) {
        const float* const sums = clip.sums + (first + i) * kKnotSums + 2 * h;
        const auto spacing = static_cast<double>(clip.sizes.spacing);
        return LeadStep{measured_lead(sums[0], sums[1], turns),
                        lead_limit(clip.knot_hz[first + i], plan.sample_rate_hz, spacing)};
      },
      [&](LeadStep& element) {
        lead = begun ? next_lead(lead, element.measured, turns, element.limit) : element.measured;
        begun = true;
        element.measured = lead;
      },
      [&](std::int64_t i, const LeadStep& element) { clip.leads[first + i] = element.measured; });
}

// s at the knots, from the integral of the track and the leads.
SINGERPRINT_HOST_DEVICE inline void lock_phase(BlockThread thread, const ShiftBuffers& clip,
                                               const VoicedSegment& segment, LockMemory& memory) {
  const std::int64_t first = segment.first_knot, last = segment.last_knot;
  Moment moment{0.0, 0.0};
  walk_in_order(
      thread, last - first, memory.moments,
      [&](std::int64_t i) {
        const float* const sums = clip.sums + (first + i + 1) * kKnotSums - 2;
        return turned_moment(sums[0], sums[1], clip.leads[first + i], clip.leads[first + i + 1]);
      },
      [&](const Moment& share) { moment = {moment.re + share.re, moment.im + share.im}; },
      [](std::int64_t, const Moment&) {});
  const double centre = from_first_thread(thread, centre_of_energy(moment), &memory.number);
  for (std::int64_t m = first + thread.index; m <= last; m += thread.count) {
    PhaseKnot& knot = clip.knots[m];
    knot.source += clip.leads[m] - centre;
    if (m == last) continue;
    add_lead(knot, clip.leads[m > first ? m - 1 : m], clip.leads[m], clip.leads[m + 1],
             clip.leads[m + 1 < last ? m + 2 : last], static_cast<double>(clip.sizes.spacing));
  }
  synchronise_block();
}

// The sample of the first mark: in the first interval that s passes an integer in.
SINGERPRINT_HOST_DEVICE inline double first_mark_of(const ShiftBuffers& clip, const VoicedSegment& segment) {
  const double phase = first_mark_phase(clip.knots[segment.first_knot]);
  std::int64_t m = segment.first_knot;
  while (clip.knots[m + 1].source < phase) ++m;
  const PhaseKnot& knot = clip.knots[m];
  const auto spacing = static_cast<double>(clip.sizes.spacing);
  return static_cast<double>(m) * spacing + time_of_advance(knot, 0.0, 1.0, phase - knot.source, spacing);
}

// q at the knots, 0 at the first mark.
SINGERPRINT_HOST_DEVICE inline void plan_target(BlockThread thread, const PitchPlan& plan, const ShiftBuffers& clip,
                                                const VoicedSegment& segment, LockMemory& memory) {
  const std::int64_t first = segment.first_knot, last = segment.last_knot;
  const auto spacing = static_cast<double>(clip.sizes.spacing);
  double phase = 0.0;
  walk_in_order(
      thread, last - first + 1, memory.advances,
      [&](std::int64_t i) {
        if (first + i == last) return 0.0;
        PhaseKnot& knot = clip.knots[first + i];
        const FrequencyMap map =
            frequency_map_of_interval(clip.states->change, clip.states->median_hz, plan.sample_rate_hz, knot, spacing);
        knot.constant = static_cast<float>(map.constant);
        knot.factor = static_cast<float>(map.factor);
        return advance_at(knot, spacing);
      },
      [&](double& element) {
        const double advance = element;
        element = phase;
        phase += advance;
      },
      [&](std::int64_t i, double target) { clip.knots[first + i].target = target; });
  double offset = 0.0;
  if (thread.index == 0) {
    const double mark = first_mark_of(clip, segment);
    const std::int64_t m = static_cast<std::int64_t>(mark) / clip.sizes.spacing;
    offset = target_at(clip.knots[m], mark - static_cast<double>(m * clip.sizes.spacing));
  }
  offset = from_first_thread(thread, offset, &memory.number);
  for (std::int64_t m = first + thread.index; m <= last; m += thread.count) clip.knots[m].target -= offset;
  synchronise_block();
}

// A block for a segment: the phase of the voice, and how many marks it has.
SINGERPRINT_HOST_DEVICE inline void lock_segment(BlockThread thread, const PitchPlan& plan, const ShiftBuffers& clip,
                                                 std::int64_t index, LockMemory& memory) {
  VoicedSegment& segment = clip.segments[index];
  follow_leads(thread, plan, clip, segment, memory);
  lock_phase(thread, clip, segment, memory);
  const double marks =
      floor(clip.knots[segment.last_knot].source) - first_mark_phase(clip.knots[segment.first_knot]) + 1.0;
  const std::int64_t room = (segment.last_knot - segment.first_knot + 1) * clip.sizes.marks_a_knot;
  if (thread.index == 0) {  // a phase that is no number has no marks
    segment.marks = !(marks > 0.0) ? 0 : marks < static_cast<double>(room) ? static_cast<std::int64_t>(marks) : room;
  }
  synchronise_block();
}

// A block for a segment: its marks.
SINGERPRINT_HOST_DEVICE inline void place_marks(BlockThread thread, const ShiftBuffers& clip,
                                                const VoicedSegment& segment) {
  if (segment.marks < 3) return;
  const auto spacing = static_cast<double>(clip.sizes.spacing);
  const double first_phase = first_mark_phase(clip.knots[segment.first_knot]);
  for (std::int64_t m = segment.first_knot + thread.index; m < segment.last_knot; m += thread.count) {
    for_each_mark(clip.knots[m], clip.knots[m + 1].source, spacing, [&](double phase, double t) {
      const auto i = static_cast<std::int64_t>(phase - first_phase);
      if (i >= 0 && i < segment.marks) clip.marks[segment.first_mark + i] = static_cast<double>(m) * spacing + t;
    });
  }
  synchronise_block();
}

// A block for a segment that has its marks: q, and the grains. kept: a number a thread.
SINGERPRINT_HOST_DEVICE inline void place_grains(BlockThread thread, const PitchPlan& plan, const ShiftBuffers& clip,
                                                 std::int64_t index, LockMemory& memory, std::int64_t* kept) {
  VoicedSegment& segment = clip.segments[index];
  if (segment.marks > 0) plan_target(thread, plan, clip, segment, memory);
  if (segment.marks < 3) return;
  const auto spacing = static_cast<double>(clip.sizes.spacing);
  const double first_phase = first_mark_phase(clip.knots[segment.first_knot]);
  const double last_mark = clip.marks[segment.first_mark + segment.marks - 1];
  const std::int64_t room = (segment.last_knot - segment.first_knot + 1) * clip.sizes.grains_a_knot;
  std::int64_t own = 0;
  for (std::int64_t m = segment.first_knot + thread.index; m < segment.last_knot; m += thread.count) {
    const PhaseKnot& knot = clip.knots[m];
    for_each_grain(knot, clip.knots[m + 1].target, spacing, [&](double phase, double t) {
      const double at = static_cast<double>(m) * spacing + t;
      const auto j = static_cast<std::int64_t>(phase);
      if (is_beyond(at, last_mark) || j >= room) return;
      clip.grains[segment.first_grain + j] = grain_of(knot, at, t, first_phase, segment);
      ++own;
    });
  }
  own = sum_of_block(thread, own, kept);
  if (thread.index == 0) segment.grains = own;
  synchronise_block();
}

}  // namespace singerprint
