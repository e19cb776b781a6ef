import torch

from singerprint.models.windows import windows_of


def test_windows_cover_every_sample_and_end_with_the_clip():
    waveform = torch.arange(103.0)
    batches = list(windows_of(waveform, window_samples=10, batch=4))
    assert [len(batch) for batch in batches] == [4, 4, 3]
    windows = torch.cat(batches)
    assert windows.shape == (11, 10)
    assert torch.equal(windows.unique(), waveform)
    assert windows[0, 0] == 0
    assert windows[-1, -1] == 102


def test_a_clip_of_at_most_one_window_is_its_own_window():
    for samples in (7, 10):
        (window,) = windows_of(torch.arange(float(samples)), window_samples=10, batch=4)
        assert torch.equal(window, torch.arange(float(samples))[None])
