import numpy as np
import pytest
import torch
from scipy.signal import butter, sosfilt
from tests.python.thread_counts import results_of_threads
from torch.library import opcheck

from singerprint.augment import biquad_cascade, filter_design


def reference(waveforms, coefficients):
    """scipy.signal.sosfilt in float64, clip by clip."""
    rows = []
    for waveform, sections in zip(waveforms.double().numpy(), coefficients.numpy(), strict=True):
        sos = np.insert(sections, 3, 1.0, axis=1)
        rows.append(sosfilt(sos, waveform) if len(sos) else waveform)
    return torch.tensor(np.array(rows).reshape(waveforms.shape))


def error_db(result, expected):
    return 10 * torch.log10((result.double() - expected).square().sum() / expected.square().sum())


def peaks(batch, sections, generator, *, low_hz=20.0, high_hz=20_000.0):
    shape = (batch, sections)
    center_hz = low_hz * (high_hz / low_hz) ** torch.rand(shape, generator=generator)
    gain_db = 48 * torch.rand(shape, generator=generator) - 24
    return filter_design.peak(44_100, center_hz, gain_db, 0.1 + 5 * torch.rand(shape, generator=generator))


# Six products and sums a sample and section, 2**-24 each, that the state remembers for 1 / (pi f / Q) samples
# without their adding up in phase: -144 dB + 10 log10(6 sections) + at most 10 dB.
TOLERANCE_DB = -120


@pytest.mark.parametrize("sections", [1, 3, 7, 17])
@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (3, 1001), (5, 44_101), (37, 999)])
def test_equals_scipy(shape, sections, device, generator):
    waveforms = torch.randn(shape, generator=generator)
    coefficients = peaks(shape[0], sections, generator)
    filtered = biquad_cascade(waveforms.to(device), coefficients.to(device)).cpu()
    assert error_db(filtered, reference(waveforms, coefficients)) < TOLERANCE_DB


@pytest.mark.parametrize(
    ("center_hz", "q", "tolerance_db"),
    [
        *(
            (center_hz, q, TOLERANCE_DB)
            for center_hz in (5.0, 20.0, 42.0, 1000.0, 9500.0)
            for q in (0.1, 5.0)
        ),
        # Rounding a coefficient moves a pole by up to 2**-24: much of its distance to the circle.
        (1000.0, 50.0, -100),
        (22_000.0, 5.0, -95),
    ],
)
def test_sharp_and_low_sections_keep_their_precision(center_hz, q, tolerance_db, device, generator):
    waveforms = torch.randn(1, 100_000, generator=generator)
    numbers = (torch.full((1, 1), value) for value in (center_hz, 24.0, q))
    coefficients = filter_design.peak(44_100, *numbers)
    filtered = biquad_cascade(waveforms.to(device), coefficients.to(device)).cpu()
    assert error_db(filtered, reference(waveforms, coefficients)) < tolerance_db


def test_a_high_order_low_pass_at_20_hz_equals_scipy(device, generator):
    waveforms = torch.randn(1, 100_000, generator=generator)
    sos = butter(8, 20, fs=44_100, output="sos")
    coefficients = torch.tensor(np.delete(sos, 3, axis=1))[None]
    filtered = biquad_cascade(waveforms.to(device), coefficients.to(device)).cpu()
    # The stop band takes 33 dB of white noise away: the errors stay where they were.
    assert error_db(filtered, reference(waveforms, coefficients)) < TOLERANCE_DB + 33


@pytest.mark.parametrize("shape", [(0, 8), (2, 0), (0, 0)])
def test_nothing_gives_nothing(shape, device):
    coefficients = torch.zeros(shape[0], 2, 5, dtype=torch.float64, device=device)
    assert biquad_cascade(torch.zeros(shape, device=device), coefficients).shape == shape


def test_no_section_changes_nothing(device, generator):
    waveforms = torch.randn(2, 100, generator=generator).to(device)
    filtered = biquad_cascade(waveforms, torch.zeros(2, 0, 5, dtype=torch.float64, device=device))
    assert torch.equal(filtered, waveforms) and filtered.data_ptr() != waveforms.data_ptr()


@pytest.mark.parametrize("sections", [1, 7, 9, 17])  # of 16 lanes half, more than half, and more than all
@pytest.mark.parametrize("batch", [2, 3, 4, 5, 6, 7, 19, 33])
def test_a_clip_does_not_know_its_batch(batch, sections, device, generator):
    waveforms = torch.randn(batch, 1003, generator=generator).to(device)
    coefficients = peaks(batch, sections, generator).to(device)
    together = biquad_cascade(waveforms, coefficients)
    alone = [biquad_cascade(waveforms[b : b + 1], coefficients[b : b + 1]) for b in range(batch)]
    assert torch.equal(torch.cat(alone), together)


def test_what_is_filtered_depends_on_the_past_alone(device, generator):
    waveforms = torch.randn(3, 20_000, generator=generator).to(device)
    coefficients = peaks(3, 7, generator).to(device)
    whole = biquad_cascade(waveforms, coefficients)
    assert torch.equal(biquad_cascade(waveforms[:, :9_001], coefficients), whole[:, :9_001])


def test_the_number_of_threads_changes_no_bit(generator):
    waveforms, coefficients = torch.randn(40, 1003, generator=generator), peaks(40, 7, generator)
    assert torch.equal(*results_of_threads(lambda: biquad_cascade(waveforms, coefficients), counts=(1, 2)))


def test_the_state_ends_in_silence(device):
    waveforms = torch.zeros(1, 200_000, device=device)
    waveforms[:, 0] = 1.0
    coefficients = filter_design.peak(
        44_100, *(torch.full((1, 1), v, device=device) for v in (42.0, 12.0, 0.5))
    )
    filtered = biquad_cascade(waveforms, coefficients)
    # Where products below 1.2e-38 count as 0, states stay once what they lose a sample, 0.003, is less.
    assert filtered.isfinite().all() and filtered[:, -1000:].abs().max() < 1e-34


def test_nan_stays_from_where_it_is(device):
    waveforms = torch.ones(2, 100, device=device)
    waveforms[0, 40] = float("nan")
    section = torch.tensor([[[1.0, 0.5, 0.2, -0.5, 0.2]]], dtype=torch.float64, device=device).expand(2, 1, 5)
    missing = biquad_cascade(waveforms, section).isnan()
    assert missing[0].tolist() == [False] * 40 + [True] * 60 and not missing[1].any()


@pytest.mark.parametrize("batch", [1, 3, 40])
@pytest.mark.parametrize("sections", [1, 7, 20])
def test_a_clip_of_which_nothing_is_asked_keeps_its_bits(batch, sections, device):
    odd = torch.tensor([1.0, float("inf"), 1e-40, float("nan"), -0.0, -3.0], device=device)
    waveforms = odd.repeat(batch, 9)
    nothing = torch.tensor([1.0, -1.9, 0.95, -1.9, 0.95], dtype=torch.float64, device=device)
    coefficients = nothing.repeat(batch, sections, 1)
    coefficients[1::2, 0, 0] = 0.5  # of every other clip something is
    filtered = biquad_cascade(waveforms, coefficients)
    assert torch.equal(filtered[::2].view(torch.int32), waveforms[::2].view(torch.int32))
    assert filtered[1::2, 0].eq(0.5).all() and filtered[1::2, 4:].isnan().all()


def test_non_contiguous_input_gives_the_same(device, generator):
    waveforms = torch.randn(51, 3, generator=generator).to(device).t()
    coefficients = peaks(6, 2, generator).to(device)[::2].flip(1)
    expected = biquad_cascade(waveforms.contiguous(), coefficients.contiguous())
    assert torch.equal(biquad_cascade(waveforms, coefficients), expected)


ONE = torch.tensor([[[1.0, 0.0, 0.0, 0.0, 0.0]]], dtype=torch.float64)


def with_number(index, value):
    changed = ONE.repeat(2, 3, 1)
    changed[1, 2, index] = value
    return changed


@pytest.mark.parametrize(
    ("waveforms", "coefficients", "error", "sentence"),
    [
        (torch.ones(5), ONE, ValueError, "waveforms must have shape (batch, samples), got [5]"),
        (torch.ones(1, 5).double(), ONE, TypeError, "waveforms must have dtype Float, got Double"),
        (
            torch.ones(2, 5),
            ONE,
            ValueError,
            "coefficients must have shape (batch, sections, 5) with batch = 2, got [1, 1, 5]",
        ),
        (
            torch.ones(1, 5),
            ONE[..., :4],
            ValueError,
            "coefficients must have shape (batch, sections, 5) with batch = 1, got [1, 1, 4]",
        ),
        (
            torch.ones(1, 5),
            ONE.expand(1, 65, 5),
            ValueError,
            "coefficients must have at most 64 sections, got 65",
        ),
        (torch.ones(1, 5), ONE.float(), TypeError, "coefficients must have dtype Double, got Float"),
        (
            torch.ones(1, 5),
            ONE.to("meta"),
            ValueError,
            "coefficients must be on the device cpu, got meta",
        ),
        (
            torch.ones(2, 5),
            with_number(0, float("inf")),
            ValueError,
            "coefficients must be finite, got inf in section 2 of clip 1",
        ),
        (
            torch.ones(2, 5),
            with_number(4, -1.5),
            ValueError,
            "coefficients must be stable (|a2| < 1 and |a1| < 1 + a2), got a1 = 0 and a2 = -1.5 in "
            "section 2 of clip 1",
        ),
        (
            torch.ones(2, 5),
            with_number(3, 1.0),
            ValueError,
            "coefficients must be stable (|a2| < 1 and |a1| < 1 + a2), got a1 = 1 and a2 = 0 in "
            "section 2 of clip 1",
        ),
    ],
)
def test_bad_arguments_are_named(waveforms, coefficients, error, sentence):
    with pytest.raises(error) as caught:
        biquad_cascade(waveforms, coefficients)
    assert str(caught.value) == f"biquad_cascade: {sentence}"


def test_a_gradient_is_refused_not_wrong():
    waveforms = torch.ones(1, 4, requires_grad=True)
    with pytest.raises(RuntimeError, match="derivative for singerprint::biquad_cascade is not implemented"):
        biquad_cascade(waveforms, ONE).sum().backward()


def test_opcheck(device, generator):
    arguments = (torch.randn(2, 33, device=device), peaks(2, 3, generator).to(device))
    opcheck(torch.ops.singerprint.biquad_cascade.default, arguments)


def test_compiles_as_one_graph(generator):
    compiled = torch.compile(biquad_cascade, fullgraph=True, backend="aot_eager")
    waveforms, coefficients = torch.randn(2, 33, generator=generator), peaks(2, 3, generator)
    assert torch.equal(compiled(waveforms, coefficients), biquad_cascade(waveforms, coefficients))
