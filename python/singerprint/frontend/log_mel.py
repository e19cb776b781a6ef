"""Log-mel spectrogram: logarithm of the power, or of the magnitude, in mel filters, frame by frame."""

import inspect
from typing import Any, Literal

import torch
from torch import Tensor, nn

from singerprint.frontend.log_mel_presets import LOG_MEL_PRESETS

MelScale = Literal["slaney", "htk"]
MelNorm = Literal["slaney", "area", "none"]
Window = Literal["hann", "hamming"]
Padding = Literal["reflect", "zeros"]
Log = Literal["ln", "db", "none"]


def log_mel(
    waveforms: Tensor,
    sample_rate_hz: float = 44100,
    n_fft: int = 2048,
    hop_length: int = 512,
    n_mels: int = 80,
    fmin_hz: float = 0.0,
    fmax_hz: float | None = None,
    mel_scale: MelScale = "slaney",
    mel_norm: MelNorm = "slaney",
    log_offset: float = 1e-8,
    *,
    window: Window = "hann",
    window_length: int | None = None,
    periodic: bool = True,
    centred: bool = True,
    padding: Padding = "reflect",
    power: Literal[1, 2] = 2,
    log: Log = "ln",
    log_floor: float = 0.0,
) -> Tensor:
    """Gives the log-mel spectrogram of each waveform.

    ``y[b, m, t] = ln(max(sum_k weight[m, k] * |STFT(waveforms)[b, k, t]| ** power + log_offset, log_floor))``
    with the triangular filters of ``librosa.filters.mel``.

    Each clip's result depends on that clip alone: neither on its batch mates nor on the number of threads. In
    float32 a bin carries round-off of about 1e-7 of the frame's loudest bin. NaN and infinity are refused on
    the CPU; on CUDA, where a check would wait for the device, they spoil the frames that hold them. Sizes
    whose prime factors are 2, 3, 5 and 7 are fast in float32 (on CUDA those that are powers of two); any even
    ``n_fft`` is right. It can be differentiated, once.

    Args:
        waveforms: ``(batch, samples)`` float32 or float64, finite, any level.
        sample_rate_hz: sample rate in Hz, above 0.
        n_fft: samples of a frame, even, in [16, 8192].
        hop_length: samples from frame to frame, at least 1.
        n_mels: number of filters; each must contain an FFT bin.
        fmin_hz: lower edge of the lowest filter in Hz, in [0, fmax_hz).
        fmax_hz: upper edge of the highest filter in Hz, at most (and by default) ``sample_rate_hz / 2``.
        mel_scale: ``"slaney"`` (linear below 1 kHz) or ``"htk"``.
        mel_norm: ``"slaney"`` (filters of equal area in Hz), ``"area"`` (weights that sum to 1) or ``"none"``
            (filters of height 1).
        log_offset: added before the logarithm, at least 0; with 0 and no floor, silence gives ``-inf``.
        window: ``"hann"`` or ``"hamming"`` (0.54 - 0.46 cos).
        window_length: samples of the window, in [1, n_fft], in the middle of the frame; by default ``n_fft``.
        periodic: whether one sample more of the window would repeat its first one, as in an STFT;
            ``False`` is symmetric.
        centred: whether frames are centred on the samples ``0, hop_length, 2 * hop_length, ...`` or begin
            there.
        padding: of centred frames beyond the ends: the waveform mirrored (``"reflect"``, which takes more
            than ``n_fft / 2`` samples) or ``"zeros"``.
        power: of the bins: 2 or, for magnitudes, 1.
        log: ``"ln"``, ``"db"`` (10 lg of powers, 20 lg of magnitudes) or ``"none"`` (the filters' sums).
        log_floor: what the logarithm is taken of at least, at least 0.

    Returns:
        ``(batch, mels, frames)`` of the waveforms' dtype on the same device, with
        ``frames = 1 + samples // hop_length``, or ``1 + (samples - n_fft) // hop_length`` where not centred.

    Raises:
        ValueError: a shape or an option does not fit, or a clip on the CPU holds NaN or infinity.
        TypeError: the waveforms are neither float32 nor float64.
        NotImplementedError: a CUDA tensor, and the build has no CUDA kernels.

    Example:
        >>> import torch, singerprint as sp
        >>> sp.frontend.log_mel(torch.zeros(2, 44100)).shape
        torch.Size([2, 80, 87])

    Source: M. Slaney, "Auditory Toolbox", 1998; S. Young et al., "The HTK Book", 5.4.
    """
    result: Tensor = torch.ops.singerprint.log_mel(
        waveforms,
        sample_rate_hz,
        n_fft,
        hop_length,
        n_mels,
        fmin_hz,
        sample_rate_hz / 2 if fmax_hz is None else fmax_hz,
        mel_scale,
        mel_norm,
        log_offset,
        window,
        n_fft if window_length is None else window_length,
        periodic,
        centred,
        padding,
        power,
        log,
        log_floor,
    )
    return result


_SIGNATURE = inspect.signature(log_mel)
_OPTIONS = _SIGNATURE.replace(parameters=list(_SIGNATURE.parameters.values())[1:])


def log_mel_options(*options: Any, **named: Any) -> dict[str, Any]:  # noqa: ANN401 - those of log_mel
    """All options of `log_mel`, with its defaults; raises what it does for what does not fit."""
    bound = _OPTIONS.bind(*options, **named)
    bound.apply_defaults()
    log_mel(torch.empty(1, 1 << 16, device="meta"), **bound.arguments)  # more samples than any frame has
    return dict(bound.arguments)


class LogMel(nn.Module):
    """The log-mel spectrogram as a module: :func:`log_mel` with its options fixed.

    It can end an ``augment.Compose``, whose ``then`` it may be.

    Args:
        options: as in :func:`log_mel`.
        named: likewise.

    Raises:
        ValueError: an option does not fit.
        TypeError: an option is none of :func:`log_mel`'s.

    Example:
        >>> import torch, singerprint as sp
        >>> sp.frontend.LogMel(n_mels=128)(torch.zeros(2, 44100)).shape
        torch.Size([2, 128, 87])
    """

    __signature__ = _OPTIONS  # for help() and completion
    op = "log_mel"

    def __init__(self, *options: Any, **named: Any) -> None:  # noqa: ANN401 - those of log_mel
        super().__init__()
        self.options = log_mel_options(*options, **named)

    @classmethod
    def preset(cls, name: str, **changes: Any) -> "LogMel":  # noqa: ANN401 - options of log_mel
        """Makes the front end of a name, with changes; see ``LOG_MEL_PRESETS`` for what each is.

        Args:
            name: ``paper``, ``released``, ``deezer``, ``ge2e``, ``clova``, ``librosa`` or ``torchaudio``.
            changes: options that are to be others.

        Raises:
            ValueError: there is no such preset, or a change does not fit.
            TypeError: a change is no option.

        Example:
            >>> import singerprint as sp
            >>> sp.frontend.LogMel.preset("deezer").options["hop_length"]
            400
        """
        if name not in LOG_MEL_PRESETS:
            raise ValueError(f"LogMel: name must be one of {', '.join(LOG_MEL_PRESETS)}, got {name}")
        return cls(**{**LOG_MEL_PRESETS[name], **changes})

    @property
    def arguments(self) -> tuple[float | str, ...]:
        """Those of the native op after the waveforms, which stand in the order of the options."""
        n_fft, sample_rate_hz = self.options["n_fft"], self.options["sample_rate_hz"]
        defaults = {"fmax_hz": sample_rate_hz / 2, "window_length": n_fft}
        return tuple(defaults[name] if value is None else value for name, value in self.options.items())

    def forward(self, waveforms: Tensor) -> Tensor:
        """Gives ``(batch, mels, frames)`` of ``(batch, samples)``; see :func:`log_mel`."""
        return log_mel(waveforms, **self.options)

    def extra_repr(self) -> str:
        """Gives the options for ``print``."""
        return ", ".join(f"{name}={value!r}" for name, value in self.options.items())


def _setup_context(
    ctx: Any,  # noqa: ANN401 - PyTorch's context takes any attribute
    inputs: tuple[Any, ...],
    output: Tensor,
) -> None:
    ctx.save_for_backward(inputs[0])
    ctx.options = inputs[1:]


def _backward(
    ctx: Any,  # noqa: ANN401 - as above
    gradient: Tensor,
) -> tuple[Tensor | None, ...]:
    (waveforms,) = ctx.saved_tensors
    of_waveforms = torch.ops.singerprint.log_mel_backward(gradient, waveforms, *ctx.options)
    return (of_waveforms, *[None] * len(ctx.options))


torch.library.register_autograd("singerprint::log_mel", _backward, setup_context=_setup_context)
