"""The table of pitch shift: groups, means, and JSON that any reader takes."""

import json
import math

from benchmarks.quality.pitch_shift import summary
from benchmarks.quality.report import keep


def row(voice, low, lsd5_db, unvoiced_snr_db=math.nan):
    figures = {"lsd5_db": lsd5_db, "unvoiced_snr_db": unvoiced_snr_db}
    return {"method": "Praat", "voice": voice, "low": low, "ratio": 1.3, **figures}


def test_means_are_taken_over_all_low_and_high_voices():
    rows = [row("bass", True, 1.0), row("tenor", True, 2.0), row("alto", False, 6.0)]
    means = {r["voices"]: (r["takes"], r["lsd5_db"]) for r in summary(rows)}
    assert means == {"all": (3, 3.0), "low": (2, 1.5), "high": (1, 6.0)}


def test_a_figure_that_a_take_lacks_is_left_out_of_the_mean():
    rows = [
        row("bass", True, 1.0, 12.0),
        row("glide", True, 1.0),
        {**row("tenor", True, 1.0, 20.0), "f1": 3.0},
    ]
    low = summary(rows)[1]
    assert low["unvoiced_snr_db"] == 16.0
    assert low["f1"] == 3.0
    assert math.isnan(summary(rows)[2]["lsd5_db"])


def test_the_json_has_no_infinity_and_no_nan(tmp_path):
    keep(tmp_path / "kept.json", {"rows": [{"snr_db": math.inf, "f1": math.nan, "takes": (1, 2.5)}]})
    content = json.loads((tmp_path / "kept.json").read_text(), parse_constant=lambda name: 1 / 0)
    assert content["rows"] == [{"snr_db": "inf", "f1": None, "takes": [1, 2.5]}]
    assert "processor" in content["machine"]
