"""Writes the tables of README.md and docs/speed.md from benchmarks/results/*.json: no number enters by hand.

    python -m benchmarks.readme_tables

A table stands between `<!-- table:NAME -->` and `<!-- end -->`.
"""

import json
import re
from pathlib import Path

from benchmarks.harness import RESULTS
from singerprint.atomic_file import write_files

ROOT = Path(__file__).parents[1]

# Of each bench the case that its user meets most, or the most that it is asked for.
HIGHLIGHTS = {
    "log_mel": ("16 x 4 s",),
    "resample": ("16 x 4 s 44100 to 16000",),
    "pitch": ("4 low voices x 4 s",),
    "pitch_shift": (
        "4 low voices x 4 s",
        "4 high voices x 4 s",
        "noise, shift, gain, mask, mel of 8 x 4 s",
    ),
    "time_stretch": ("4 voices x 4 s, rate 0.8",),
    "noise_gain_mask": ("16 x 176400",),
    "biquad_cascade": ("4 x 176400, 7 bands",),
    "nt_xent": ("140 pairs x 128", "4,096 pairs x 128"),
    "supervised_nt_xent": ("2,048 x 128, 4 a singer",),
    "vicreg": ("140 x 1,000",),
    "efficientnet": ("training step 16 x 1 x 80 x 345",),
    "efficientnet_inference": (
        "1 x 3 x 128 x 345",
        "32 x 3 x 128 x 345",
        "32 x 3 x 128 x 345 bfloat16",
    ),
    "speech_encoders": ("1 x 4 s", "8 x 4 s bfloat16"),
}


def results(name):
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def markdown(columns, rows):
    lines = ["| " + " | ".join(columns) + " |", "|" + "|".join(["---"] + ["--:"] * (len(columns) - 1)) + "|"]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows])


def real_singing():
    """One row a model: EER and MNR with intervals on each set of trials."""
    rows = results("real_singing")["rows"]
    trials = list(dict.fromkeys(row["trials"] for row in rows))
    table = []
    for model in dict.fromkeys(row["model"] for row in rows):
        cells = [model]
        for name in trials:
            row = next(row for row in rows if (row["model"], row["trials"]) == (model, name))
            cells.append(
                f"{row['eer']:.1%} [{row['eer_low']:.1%}, {row['eer_high']:.1%}] / "
                f"{row['mnr']:.1%} [{row['mnr_low']:.1%}, {row['mnr_high']:.1%}]"
            )
        table.append(cells)
    return markdown(["EER / MNR [95 % interval]", *trials], table)


def training_curve():
    """Error rate on each set of trials over training."""
    facts = results("real_singing")
    rows = [
        [trials, *(f"{point[trials]:.1%}" for point in facts["curve"])]
        for trials in dict.fromkeys(row["trials"] for row in facts["rows"])
    ]
    return markdown(["EER after CPU minutes", *(f"{p['cpu_minutes']:.0f}" for p in facts["curve"])], rows)


def pitch_shift_quality():
    """One row a method: its figures on oracle voices, low / high."""
    means = {(row["method"], row["voices"]): row for row in results("pitch_shift_quality")["rows"]}
    columns = {
        "F0, cents": ("f0_median_cents", ".1f"),
        "pitch lost, %": ("tracked_gross_percent", ".1f"),
        "envelope, dB": ("lsd5_db", ".2f"),
        "mel-cepstral, dB": ("mcd_db", ".2f"),
        "level, dB": ("level_error_db", ".1f"),
        "clicks": ("clicks", ".1f"),
    }
    table = []
    for method in dict.fromkeys(method for method, _ in means):
        cells = [
            " / ".join(format(means[method, group][key], form) for group in ("low", "high"))
            for key, form in columns.values()
        ]
        unvoiced = means[method, "all"]["unvoiced_snr_db"]
        table.append([method, *cells, "exact" if unvoiced == "inf" else f"{unvoiced:.0f}"])
    return markdown(["low / high voices", *columns, "unvoiced kept, dB"], table)


def pitch_shift_real():
    """One row a method: its figures on clips of real singing."""
    columns = {
        "frames within 50 cents": lambda row: f"{row['f0_within_50_cents_percent']:.1f}%",
        "F1 / F2 / F3 moved, Hz": lambda row: " / ".join(f"{row[f'f{n}_shift_hz']:.0f}" for n in (1, 2, 3)),
        "cosine to the original, GE2E": lambda row: f"{row['ge2e_cosine']:.3f}",
        "the same where all shifted": lambda row: f"{row['ge2e_cosine_all_shifted']:.3f}",
        "behind where both shifted": lambda row: (
            f"{row['ge2e_behind']:.3f} ± {row['ge2e_behind_error']:.3f}" if row["ge2e_behind_error"] else ""
        ),
    }
    rows = results("pitch_shift_real")["rows"]
    return markdown(
        ["", *columns], [[row["method"], *(cell(row) for cell in columns.values())] for row in rows]
    )


def speed():
    """The cases of `HIGHLIGHTS`: our time, and the fastest of what a user would otherwise run."""
    table = []
    for name, chosen in HIGHLIGHTS.items():
        measured = cases(results(name))
        for case in chosen:
            ours, *others = measured[case]
            rivals = [row for row in others if not row["contender"].startswith("singerprint")]
            best = min(rivals, key=lambda row: row["slower_by"])
            ratio = f"{two_digits(best['slower_by'])}x"
            table.append([f"`{name}` {case}", f"{ours['median_ms']:.3g}", best["contender"], ratio])
    return markdown(["one core", "ms", "fastest alternative", "slower by"], table)


def all_speeds():
    """One row a case of every bench: our time, and by how much the others are slower."""
    table = []
    for path in sorted(RESULTS.glob("*.json")):
        for case, (ours, *others) in cases(results(path.stem)).items():
            rivals = ", ".join(f"{row['contender']} {two_digits(row['slower_by'])}x" for row in others)
            table.append([f"`{path.stem}` {case}", f"{ours['median_ms']:.3g}", rivals])
    return markdown(["one core", "ours, ms", "slower by"], table)


def loss_memory():
    """One row a loss and contender: the peak of forward and backward at each number of rows."""
    rows = results("loss_memory")["rows"]
    sizes = sorted({row["rows"] for row in rows})
    table = []
    for loss, contender in dict.fromkeys((row["case"].split()[0], row["contender"]) for row in rows):
        mine = [row for row in rows if row["case"].split()[0] == loss and row["contender"] == contender]
        peaks = {row["rows"]: f"{row['peak_mb']:,.0f}" for row in mine}
        growth = two_digits(mine[0]["exponent"])
        table.append([f"`{loss}`, {contender}", *(peaks.get(size, "") for size in sizes), growth])
    return markdown(["MB at rows x 128", *(f"{size:,}" for size in sizes), "exponent"], table)


def two_digits(ratio):
    """2.34 -> 2.3, 386 -> 390."""
    return f"{float(f'{ratio:.2g}'):g}"


def cases(result):
    """Rows of a bench by case; files that hold no timings give none."""
    by_case = {}
    for row in result["rows"]:
        if "slower_by" in row:
            by_case.setdefault(row["case"], []).append(row)
    return by_case


PAGES = {
    "README.md": {
        "real_singing": real_singing,
        "training_curve": training_curve,
        "pitch_shift_quality": pitch_shift_quality,
        "pitch_shift_real": pitch_shift_real,
        "speed": speed,
    },
    "docs/speed.md": {"speed": all_speeds, "loss_memory": loss_memory},
}


def with_tables(page, text, tables):
    """`text` of `page`, each table between its marks."""
    for name, table in tables.items():
        text, count = re.subn(
            rf"(<!-- table:{name} -->\n).*?(<!-- end -->)",
            lambda match, table=table: f"{match[1]}{table()}\n{match[2]}",
            text,
            flags=re.DOTALL,
        )
        if count != 1:
            raise ValueError(f"readme_tables: {page} must have one place for table {name}, got {count}")
    return text


def main():
    pages = {
        ROOT / page: with_tables(page, (ROOT / page).read_text(encoding="utf-8"), tables)
        for page, tables in PAGES.items()
    }
    write_files({path: text.encode() for path, text in pages.items()})


if __name__ == "__main__":
    main()
