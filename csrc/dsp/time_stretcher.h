// TimeStretcher: a sung clip made longer or shorter, its pitch and formants left alone.
//   voiced   y(o) = sum_j w_j(o - t_j / rate) x(m_j + o - t_j / rate),   s(t_j) = s(first mark) + j rate
//            m_j = the mark nearest in s: every period at its own distance, `rate` times as many or as few of them
//   rests    y(o) = x(o + D_k) between splice k and k + 1, D_k following o (rate - 1); and where a rest meets a voice,
//            D = m_j - t_j / rate, so that the two are the same waveform while they fade into each other
// A splice repeats or leaves out some 16 ms, moved to where that has least energy, and fades by the power that its two
// sides have: alike, they are added as amplitudes, else as powers. Grains of a fixed distance, as they are usual, cut
// every 10 ms whatever the rate, and repeat noise so soon that it is heard as a tone.
// Between splices a rest is the waveform itself, bit for bit, and so is a clip at rate 1.
// Moulines and Charpentier, Speech Communication 9 (1990), 453-467, for the periods.
#pragma once
#include <cstdint>
#include <vector>

#include "dsp/psola.h"
#include "dsp/time_stretch_steps.h"
#include "dsp/voice.h"

namespace singerprint {

inline constexpr float kSlowestRate = 0.5f, kFastestRate = 2.0f;
inline constexpr double kStretchMinHz = 60.0, kStretchMaxHz = 1500.0;  // where the voice is looked for

PitchTables time_stretch_tables(double sample_rate_hz);

// For one thread at a time; the tables are shared.
class TimeStretcher {
 public:
  explicit TimeStretcher(const PitchTables& tables);
  // result (result_samples), which may not overlap the waveform; rate in [kSlowestRate, kFastestRate].
  void operator()(const float* waveform, std::int64_t samples, double rate, float* result, std::int64_t result_samples);

 private:
  void set_grains(VoicedSegment& segment, std::int64_t index, double rate);
  void render_span(const VoicedSpan& span, std::int64_t end, float* result) const;
  void render_rest(const Rest& rest, double rate, std::int64_t begin, std::int64_t end, float* result);
  Splice place_splice(const Rest& rest, double rate, std::int64_t k);
  void fade(Splice& splice, std::int64_t begin, std::int64_t end, float* result);
  void read(double offset, std::int64_t begin, std::int64_t end, float* result) const;

  const PitchTables& tables_;
  VoiceAnalysis analysis_;
  SincTable sinc_;
  std::int64_t margin_, samples_ = 0;
  std::vector<Grain> grains_;
  std::vector<VoicedSegment> segments_;
  std::vector<VoicedSpan> spans_;
  std::vector<float> padded_, energies_, before_, after_;
  const Voice* voice_ = nullptr;
};

}  // namespace singerprint
