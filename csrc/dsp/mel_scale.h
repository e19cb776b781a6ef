// mel_scale: frequency in Hz <-> mel.
//   Slaney: mel = hz / (200 / 3) below 1000 Hz, 15 + 27 ln(hz / 1000) / ln 6.4 above (Auditory Toolbox, 1998)
//   HTK:    mel = 2595 log10(1 + hz / 700)                                          (HTK Book, eq. 5.13)
#pragma once

namespace singerprint {

enum class MelScale { kSlaney, kHtk };

// hz >= 0, mel >= 0; the two undo each other.
double hz_to_mel(double hz, MelScale scale);
double mel_to_hz(double mel, MelScale scale);

}  // namespace singerprint
