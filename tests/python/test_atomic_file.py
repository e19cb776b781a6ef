"""write_files: all files are replaced, or none."""

import errno
import os
import stat

import pytest

from singerprint.atomic_file import write_files


def fail_at(monkeypatch, name, call):
    """Makes the n-th call of an os function fail as on a full disk."""
    original, calls = getattr(os, name), []

    def failing(*arguments):
        calls.append(arguments)
        if len(calls) == call:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return original(*arguments)

    monkeypatch.setattr(os, name, failing)


def contents_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_files_are_made_and_replaced(tmp_path):
    write_files({tmp_path / "a": b"1", tmp_path / "b": b"2"})
    write_files({tmp_path / "b": b"3", tmp_path / "c": b""})
    assert contents_of(tmp_path) == {"a": b"1", "b": b"3", "c": b""}


@pytest.mark.parametrize("call", [1, 2])
def test_a_full_disk_leaves_every_old_file(tmp_path, monkeypatch, call):
    write_files({tmp_path / "a": b"old", tmp_path / "b": b"old"})
    fail_at(monkeypatch, "fsync", call)
    with pytest.raises(OSError, match="No space left on device"):
        write_files({tmp_path / "a": b"new", tmp_path / "b": b"new", tmp_path / "c": b"new"})
    assert contents_of(tmp_path) == {"a": b"old", "b": b"old"}


def test_a_disk_that_is_really_full_leaves_every_old_file(tmp_path):
    # A limit of the process stands for the disk: the kernel refuses the write itself.
    resource, signal = pytest.importorskip("resource"), pytest.importorskip("signal")
    write_files({tmp_path / "a": b"old"})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_files({tmp_path / "a": bytes(2000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert contents_of(tmp_path) == {"a": b"old"}


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        write_files({tmp_path / "a": b"1", tmp_path / "nowhere" / "b": b"2"})
    assert contents_of(tmp_path) == {}


def test_files_have_the_permissions_of_any_new_file(tmp_path):
    (tmp_path / "plain").write_bytes(b"")
    write_files({tmp_path / "a": b""})
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)
