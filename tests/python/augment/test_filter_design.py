import numpy as np
import pytest
import torch
from scipy.signal import butter, freqz_sos

from singerprint.augment import filter_design

RATE_HZ = 44_100
FREQUENCIES_HZ = np.array([0.0, 5, 20, 100, 440, 1000, 3000, 8000, 15_000, 21_000])


def response(sections):
    """The complex response of ``(sections, 5)`` at FREQUENCIES_HZ."""
    return freqz_sos(np.insert(sections.numpy(), 3, 1.0, axis=1), worN=FREQUENCIES_HZ, fs=RATE_HZ)[1]


def hz(*values):
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize("order", [2, 4, 8])
@pytest.mark.parametrize("cutoff_hz", [20.0, 1000.0, 21_500.0])
def test_butterworth_equals_scipy(order, cutoff_hz):
    for design, kind in (
        (filter_design.butterworth_low_pass, "lowpass"),
        (filter_design.butterworth_high_pass, "highpass"),
    ):
        expected = butter(order, cutoff_hz, kind, fs=RATE_HZ, output="sos")
        sections = design(RATE_HZ, hz(50.0, cutoff_hz), order)[1]
        # 1 - 2 cos(angle) + 1 loses the digits of (20 Hz / rate)^2 on both sides, and every section of them
        # again.
        np.testing.assert_allclose(
            response(sections), freqz_sos(expected, FREQUENCIES_HZ, fs=RATE_HZ)[1], rtol=1e-7, atol=1e-7
        )


@pytest.mark.parametrize("order", [2, 4])
@pytest.mark.parametrize("edges_hz", [(1.0, 400.0), (300.0, 3400.0), (900.0, 1100.0), (50.0, 22_000.0)])
def test_butterworth_band_pass_equals_scipy(order, edges_hz):
    expected = butter(order, edges_hz, "bandpass", fs=RATE_HZ, output="sos")
    sections = filter_design.butterworth_band_pass(
        RATE_HZ, hz(10.0, edges_hz[0]), hz(20.0, edges_hz[1]), order
    )
    assert sections.shape == (2, order, 5)
    # As above, for 1 Hz.
    np.testing.assert_allclose(
        response(sections[1]), freqz_sos(expected, FREQUENCIES_HZ, fs=RATE_HZ)[1], rtol=1e-6, atol=1e-6
    )


def decibels(section, frequency_hz):
    sos = np.insert(section.numpy()[None], 3, 1.0, axis=1)
    return 20 * np.log10(abs(freqz_sos(sos, worN=[frequency_hz], fs=RATE_HZ)[1][0]))


@pytest.mark.parametrize("gain_db", [-12.0, 3.0, 24.0])
@pytest.mark.parametrize("q", [0.1, 0.7, 5.0])
def test_a_peak_has_its_gain_at_its_center_and_none_far_away(gain_db, q):
    section = filter_design.peak(RATE_HZ, hz(1000), hz(gain_db), hz(q))[0]
    assert decibels(section, 1000) == pytest.approx(gain_db, abs=1e-9)
    assert decibels(section, 0) == pytest.approx(0, abs=1e-9)
    assert decibels(section, RATE_HZ / 2) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("gain_db", [-12.0, 3.0, 24.0])
def test_a_shelf_has_its_gain_on_its_side_and_half_of_it_at_the_corner(gain_db):
    low = filter_design.low_shelf(RATE_HZ, hz(200), hz(gain_db), hz(0.5))[0]
    high = filter_design.high_shelf(RATE_HZ, hz(5000), hz(gain_db), hz(0.5))[0]
    for section, corner_hz, inside_hz, outside_hz in (
        (low, 200, 0, RATE_HZ / 2),
        (high, 5000, RATE_HZ / 2, 0),
    ):
        assert decibels(section, corner_hz) == pytest.approx(gain_db / 2, abs=1e-9)
        assert decibels(section, inside_hz) == pytest.approx(gain_db, abs=1e-9)
        assert decibels(section, outside_hz) == pytest.approx(0, abs=1e-9)


def test_a_section_of_zero_decibels_has_equal_numerator_and_denominator():
    for design in (filter_design.low_shelf, filter_design.peak, filter_design.high_shelf):
        section = design(RATE_HZ, hz(333.3), hz(0), hz(0.77))[0].tolist()
        assert section[0] == 1.0 and section[1:3] == section[3:]
