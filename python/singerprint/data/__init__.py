"""From folders of singing to pairs of crops: reading, scanning, cropping, and synthetic singers."""

from singerprint.data.audio import AudioError, AudioFile, AudioInfo, audio_info, read_audio
from singerprint.data.batches import EpochBatches, PairBatches, SingerBatches, SourceBatches
from singerprint.data.clip import Clip, as_clip
from singerprint.data.crops import Crop, DrawAddress, FileActivity, active_share, draw_crop, draw_crop_pair
from singerprint.data.folders import SingerFile, read_index, scan_folder
from singerprint.data.impulse_responses import read_impulse_responses
from singerprint.data.pairs import (
    CheckedFiles,
    CropPair,
    CropPairs,
    PairBatch,
    SkippedClip,
    check_files,
    collate_pairs,
)
from singerprint.data.singer_pairs import SingerPairs

__all__ = [
    "AudioError",
    "AudioFile",
    "AudioInfo",
    "CheckedFiles",
    "Clip",
    "Crop",
    "CropPair",
    "CropPairs",
    "DrawAddress",
    "EpochBatches",
    "FileActivity",
    "PairBatch",
    "PairBatches",
    "SingerBatches",
    "SingerFile",
    "SingerPairs",
    "SkippedClip",
    "SourceBatches",
    "active_share",
    "as_clip",
    "audio_info",
    "check_files",
    "collate_pairs",
    "draw_crop",
    "draw_crop_pair",
    "read_audio",
    "read_impulse_responses",
    "read_index",
    "scan_folder",
]
