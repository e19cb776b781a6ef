"""voice_spectrograms: takes of a voice side by side, with their formants and their pitch."""

from collections.abc import Iterable, Mapping

import matplotlib
import numpy as np
import numpy.typing as npt
import scipy.signal
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from singerprint.plots.formants import formant_tracks
from singerprint.plots.style import styled_figure

WINDOW_SECONDS = 0.046  # harmonics lie apart
RANGE_DB = 60.0
COLOURS = 24  # steps of 2.5 dB: what is finer is noise, and makes large files
FORMANT_COLOUR = "#56e0ff"
PITCH_COLOUR = "#7dff8a"


def voice_spectrograms(
    takes: Mapping[str, npt.ArrayLike],
    sample_rate_hz: float,
    f0_hz: Mapping[str, npt.ArrayLike] | None = None,
    *,
    formants: bool = True,
    max_hz: float = 4000.0,
    columns: int = 3,
) -> Figure:
    """Draws the spectrogram of each take, its formants as dots, its pitch as a line.

    Args:
        takes: (samples,) of each take by the title of its panel; array or tensor, of one length.
        sample_rate_hz: of all takes, at least twice ``max_hz``.
        f0_hz: (frames,) of some takes by their title, evenly spread over the take, 0 where unvoiced, as from
            ``singerprint.frontend.pitch``.
        formants: whether formants are drawn; see ``formant_tracks``.
        max_hz: the top of the panels.
        columns: panels in a row.

    Returns:
        The figure; save it with ``figure.savefig(path)``.

    Raises:
        ValueError: if there is no take, or a take is empty, not one row, or not finite.

    Example:
        >>> figure = voice_spectrograms({"noise": np.random.default_rng(0).standard_normal(44100)}, 44100)
        >>> figure.axes[0].get_title(loc="left")
        'noise'
    """
    waveforms = {title: _waveform(title, take) for title, take in takes.items()}
    if not waveforms:
        raise ValueError("voice_spectrograms: takes must hold at least one take, got none")
    columns = min(columns, len(waveforms))
    rows = -(-len(waveforms) // columns)
    with styled_figure(max(4.0, 2.6 * columns), 2.3 * rows) as figure:
        panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
        for panel, (title, waveform) in zip(panels.flat, waveforms.items(), strict=False):
            _draw_spectrogram(panel, waveform, sample_rate_hz, max_hz)
            if formants:
                _draw_formants(panel, waveform, sample_rate_hz)
            if f0_hz is not None and title in f0_hz:
                _draw_pitch(panel, np.asarray(f0_hz[title], dtype=np.float64), len(waveform) / sample_rate_hz)
            panel.set_title(title, fontsize=9)
            panel.set_ylim(0, max_hz)
        _share_colours(panels.flat[: len(waveforms)])
        _draw_legend(panels[0, 0])
        for panel in panels.flat[len(waveforms) :]:
            panel.set_visible(False)
        for panel in panels[:, 0]:
            panel.set_ylabel("Hz")
        for panel in panels[-1]:
            panel.set_xlabel("seconds")
    return figure


def _waveform(title: str, take: npt.ArrayLike) -> npt.NDArray[np.float64]:
    detach = getattr(take, "detach", None)
    waveform = np.asarray(detach().cpu() if detach else take, dtype=np.float64)
    if waveform.ndim != 1 or not waveform.size:
        raise ValueError(
            f"voice_spectrograms: take {title!r} must have shape (samples,) with at least one sample, "
            f"got {waveform.shape}"
        )
    if not np.isfinite(waveform).all():
        raise ValueError(
            f"voice_spectrograms: take {title!r} must be finite, got {waveform[~np.isfinite(waveform)][0]}"
        )
    return waveform


def _draw_spectrogram(
    panel: Axes, waveform: npt.NDArray[np.float64], sample_rate_hz: float, max_hz: float
) -> None:
    width = round(WINDOW_SECONDS * sample_rate_hz)
    padded = np.pad(waveform, width // 2)  # frames are centred, from the first sample to the last
    bin_hz, _, power = scipy.signal.spectrogram(
        padded, sample_rate_hz, "hann", width, width - width // 8, 2 * width, detrend=False, mode="psd"
    )
    power = power[bin_hz <= max_hz]
    # 3 dB an octave lifts the upper formants to where they can be seen
    level_db = 10 * np.log10(power * (bin_hz[: len(power), None] + 100.0) + 1e-15)
    panel.imshow(
        level_db,
        origin="lower",
        aspect="auto",
        cmap=matplotlib.colormaps["magma"].resampled(COLOURS),
        extent=(0.0, len(waveform) / sample_rate_hz, 0.0, float(bin_hz[len(power) - 1])),
        interpolation="nearest",
    )


def _share_colours(panels: Iterable[Axes]) -> None:
    """A quieter take is a darker one."""
    images = [image for panel in panels for image in panel.images]
    loudest_db = max(float(np.asarray(image.get_array()).max()) for image in images)
    for image in images:
        image.set_clim(loudest_db - RANGE_DB, loudest_db)


def _draw_formants(panel: Axes, waveform: npt.NDArray[np.float64], sample_rate_hz: float) -> None:
    tracks = formant_tracks(waveform, sample_rate_hz)
    seconds = np.broadcast_to(tracks.seconds[:, None], tracks.formants_hz.shape)
    panel.scatter(seconds, tracks.formants_hz, s=2.5, color=FORMANT_COLOUR, linewidths=0, label="formants")


def _draw_pitch(panel: Axes, f0_hz: npt.NDArray[np.float64], seconds: float) -> None:
    times = np.linspace(0.0, seconds, len(f0_hz))
    panel.plot(times, np.where(f0_hz > 0, f0_hz, np.nan), color=PITCH_COLOUR, lw=1.2, label="pitch")


def _draw_legend(panel: Axes) -> None:
    """What dots and line are, on dark ground: their colours are too light for white."""
    handles, labels = panel.get_legend_handles_labels()
    if handles:
        panel.legend(
            handles,
            labels,
            loc="upper right",
            fontsize=7,
            labelcolor="white",
            facecolor="black",
            edgecolor="none",
            framealpha=0.7,
            markerscale=2.5,
            borderpad=0.3,
            handlelength=1.2,
        )
