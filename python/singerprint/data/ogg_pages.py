"""last_page_start: the sample at which the last page of an Ogg Vorbis file begins.

    header = "OggS" version(1) flags(1) granule(8, little endian) ..., granule = samples complete by the end
    of the page

(RFC 3533, section 6.) Libsndfile takes a position inside a page from the page's own granule. The encoder cuts
that of the last page to the true length of the audio, so a seek into it lands up to one block late; a seek
before it is exact.
"""

from __future__ import annotations

import struct
from pathlib import Path

__all__ = ["last_page_start"]

MARK = b"OggS\x00"
HEADER = struct.Struct("<5sBq")
# 27 bytes of header, 255 lengths, 255 segments of 255 bytes
LARGEST_PAGE_BYTES = 27 + 255 + 255 * 255
# a packet may run through pages that complete no sample; with four pages the one before is nearly always
# among them
TAIL_BYTES = 4 * LARGEST_PAGE_BYTES


def last_page_start(path: Path, samples: int) -> int:
    """Finds where the last page begins, from the end of the file.

    Args:
        path: An Ogg file.
        samples: Its number of samples per channel.

    Returns:
        A sample index in [0, samples), never inside the last page; 0 where no page before it was found.
    """
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(0, size - TAIL_BYTES))
        tail = stream.read()
    granules = []
    position = tail.find(MARK)
    while position >= 0 and position + HEADER.size <= len(tail):
        granules.append(HEADER.unpack_from(tail, position)[2])
        position = tail.find(MARK, position + 1)
    return max((granule for granule in granules[:-1] if 0 <= granule < samples), default=0)
