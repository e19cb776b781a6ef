import numpy as np
import pytest
import soundfile

from singerprint.data import AudioError, AudioFile, DrawAddress, FileActivity, active_share, draw_crop_pair
from singerprint.data.crops import SCAN_SECONDS, draw_words

RATE_HZ = 8000
CROP = RATE_HZ


def tone(seconds, level=0.5):
    samples = round(seconds * RATE_HZ)
    return (level * np.sin(2 * np.pi * 220 * np.arange(samples) / RATE_HZ)).astype(np.float32)


def silence(seconds):
    return np.zeros(round(seconds * RATE_HZ), np.float32)


def audio_file(tmp_path, *parts):
    path = tmp_path / "x.wav"
    soundfile.write(path, np.concatenate(parts), RATE_HZ, subtype="FLOAT")
    return AudioFile(path, RATE_HZ)


def test_words_are_philox_and_philox_gives_the_published_known_answers():
    address = DrawAddress(seed=11, epoch=3, clip_id=4, view=1)
    counter = np.array([0, 1, 3, 4], np.uint64)
    expected = np.random.Philox(key=np.array([11, 2], np.uint64), counter=counter).random_raw(6)
    np.testing.assert_array_equal(draw_words(address, 2, 6), expected)
    # kat_vectors of https://github.com/DEShawResearch/random123, philox4x64 10, all bits set; NumPy adds 1 to
    # the counter before its first block
    ones = np.full(4, 2**64 - 1, np.uint64)
    drawn = np.random.Philox(key=ones[:2], counter=ones - np.array([1, 0, 0, 0], np.uint64)).random_raw(4)
    known = ["87b092c3013fe90b", "438c3c67be8d0224", "9cc7d7c69cd777b6", "a09caebf594f0ba0"]
    assert [f"{int(word):016x}" for word in drawn] == known


def test_equal_addresses_give_equal_crops_and_unequal_ones_others(tmp_path):
    file = audio_file(tmp_path, tone(20))
    starts = {}
    for address in [DrawAddress(s, e, c) for s in (0, 1, 2**63) for e in (0, 1) for c in (0, 1, 7)]:
        pair, again = (draw_crop_pair(file, CROP, address) for _ in range(2))
        assert [crop.start_samples for crop in pair] == [crop.start_samples for crop in again]
        np.testing.assert_array_equal(pair[0].samples, again[0].samples)
        starts[address] = (pair[0].start_samples, pair[1].start_samples)
    # 36 draws among 152,001 starts: a coincidence has probability 0.004, and the seeds are fixed
    assert len({start for pair in starts.values() for start in pair}) == 36


def test_a_crop_is_the_span_it_says_peak_normalised(tmp_path):
    samples = (np.random.default_rng(0).uniform(-0.3, 0.3, 5 * RATE_HZ)).astype(np.float32)
    file = audio_file(tmp_path, samples)
    for epoch in range(20):
        for crop in draw_crop_pair(file, CROP, DrawAddress(0, epoch)):
            span = samples[crop.start_samples : crop.start_samples + CROP]
            assert len(span) == CROP
            np.testing.assert_array_equal(crop.samples, span / np.abs(span).max())
            assert np.abs(crop.samples).max() == 1.0
            assert crop.samples.dtype == np.float32
            assert not crop.padded


def test_every_valid_start_occurs_equally_often_the_last_one_too(tmp_path):
    file = audio_file(tmp_path, np.ones(14, np.float32))
    draws = 1000
    starts = [draw_crop_pair(file, 10, DrawAddress(3, epoch))[0].start_samples for epoch in range(draws)]
    counts = np.bincount(starts, minlength=5)
    assert len(counts) == 5
    # chi square with 4 degrees of freedom: above 23.5 once in 10,000
    assert np.sum((counts - draws / 5) ** 2 / (draws / 5)) < 23.5


@pytest.mark.parametrize("seconds", (1.0005, 1.1, 2.0, 9.0))
def test_two_crops_of_a_longer_file_keep_the_documented_gap(tmp_path, seconds):
    file = audio_file(tmp_path, tone(seconds))
    gap = max(1, min(CROP // 8, (file.samples - CROP) // 4))
    for epoch in range(100):
        first, second = draw_crop_pair(file, CROP, DrawAddress(0, epoch))
        assert abs(first.start_samples - second.start_samples) >= gap
        for crop in (first, second):
            assert 0 <= crop.start_samples <= file.samples - CROP


def test_crops_avoid_silence_where_notes_are_long_enough(tmp_path):
    file = audio_file(tmp_path, silence(3), tone(3), silence(3))
    crops = [crop for epoch in range(50) for crop in draw_crop_pair(file, CROP, DrawAddress(0, epoch))]
    shares = np.array([np.mean(crop.samples != 0) for crop in crops])
    assert np.all(shares > 0)
    # a try holds half a crop of the note with probability 0.375, so 8 tries fail once in 43: the best is kept
    assert np.mean(shares >= 0.49) > 0.9


def test_room_noise_40_db_below_the_notes_counts_as_silence(tmp_path):
    room = 0.003 * np.random.default_rng(0).standard_normal(8 * RATE_HZ).astype(np.float32)
    file = audio_file(tmp_path, room, tone(4), room)
    loud = 0
    for epoch in range(50):
        start = draw_crop_pair(file, CROP, DrawAddress(0, epoch))[0].start_samples
        loud += 7.4 * RATE_HZ < start < 11.6 * RATE_HZ
    # uniform starts would hit it 11 times; 8 tries miss it with probability 0.12
    assert loud > 35


@pytest.mark.parametrize("where", (0.0, SCAN_SECONDS - 0.02, 25.97, 29.97))
def test_a_file_with_one_short_sound_never_gives_a_silent_crop(tmp_path, where):
    click = tone(0.03)
    file = audio_file(tmp_path, silence(where), click, silence(30.0 - where - 0.03))
    for epoch in range(20):
        for crop in draw_crop_pair(file, CROP, DrawAddress(0, epoch)):
            assert np.abs(crop.samples).max() == 1.0


def test_knowing_the_activity_changes_no_crop(tmp_path):
    file = audio_file(tmp_path, silence(20), tone(0.2), silence(9))
    kept = FileActivity()
    for epoch in range(10):
        address = DrawAddress(0, epoch)
        fresh, known = draw_crop_pair(file, CROP, address), draw_crop_pair(file, CROP, address, kept)
        assert [crop.start_samples for crop in fresh] == [crop.start_samples for crop in known]


def test_a_short_file_is_padded_at_its_end_and_says_so(tmp_path):
    file = audio_file(tmp_path, tone(0.4))
    first, second = draw_crop_pair(file, CROP, DrawAddress(0, 0))
    samples = file.read(0, CROP)
    assert first.padded
    assert first.start_samples == 0
    np.testing.assert_array_equal(first.samples[: len(samples)], samples / np.abs(samples).max())
    assert np.all(first.samples[len(samples) :] == 0)
    assert len(first.samples) == CROP
    np.testing.assert_array_equal(first.samples, second.samples)


def test_a_file_of_exactly_a_crop_is_not_padded(tmp_path):
    assert not draw_crop_pair(audio_file(tmp_path, tone(1.0)), CROP, DrawAddress(0, 0))[0].padded


@pytest.mark.parametrize("seconds", (0.5, 12.0))
def test_a_silent_file_is_refused_by_name(tmp_path, seconds):
    dither = 2.0**-15 * np.random.default_rng(0).integers(-1, 2, round(seconds * RATE_HZ))
    for samples in (silence(seconds), dither.astype(np.float32)):
        file = audio_file(tmp_path, samples)
        with pytest.raises(AudioError) as caught:
            draw_crop_pair(file, CROP, DrawAddress(0, 0))
        assert str(caught.value) == (
            f"draw_crop_pair: file must hold sound above -80 dB, got silence in {file.path}"
        )


def test_the_active_share_counts_windows_within_30_db():
    loud, soft, faint = tone(0.5), tone(0.5, 0.5 * 10 ** (-29 / 20)), tone(0.5, 0.5 * 10 ** (-31 / 20))
    assert active_share(np.concatenate([loud, soft]), RATE_HZ, -100.0) == 1.0
    assert active_share(np.concatenate([loud, faint]), RATE_HZ, -100.0) == 0.5
    assert active_share(faint, RATE_HZ, -100.0) == 1.0
    assert active_share(faint, RATE_HZ, -9.0) == 0.0
    assert active_share(silence(1), RATE_HZ, -200.0) == 0.0
