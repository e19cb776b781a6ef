import dataclasses
import signal

import pytest
import torch

from singerprint.models import SingerEncoder, load_model
from singerprint.training import read_metrics, train


def run(config, **options):
    return train(config, show_progress=False, **options)


def weights(encoder):
    return {name: value.clone() for name, value in encoder.state_dict().items()}


def assert_same_bits(first, second):
    assert first.keys() == second.keys()
    different = [name for name in first if not torch.equal(first[name], second[name])]
    assert not different


@pytest.mark.parametrize("objective", ["simclr", "byol", "singer_contrastive"])
def test_a_run_repeated_with_its_seed_gives_the_same_bits(small_config, tmp_path, objective):
    first = run(small_config(objective=objective, steps=3, out=tmp_path / "first")).encoder
    second = run(small_config(objective=objective, steps=3, out=tmp_path / "second", workers=2)).encoder
    assert_same_bits(weights(first), weights(second))


def test_another_seed_gives_other_weights(small_config, tmp_path):
    first = run(small_config(steps=1, out=tmp_path / "first")).encoder
    second = run(small_config(steps=1, out=tmp_path / "second", seed=1)).encoder
    assert any(not torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


@pytest.mark.parametrize("objective", ["simclr", "byol", "singer_contrastive"])
def test_a_stopped_and_resumed_run_ends_with_the_same_bits(small_config, tmp_path, objective):
    whole = run(small_config(objective=objective, out=tmp_path / "whole")).encoder
    config = small_config(objective=objective, out=tmp_path / "parts", validate_every=2)
    validations = []

    def stop_at_the_second_validation(_encoder):
        validations.append(None)
        if len(validations) == 2:
            signal.raise_signal(signal.SIGTERM)
        return {}

    stopped = run(config, validate=stop_at_the_second_validation)
    assert stopped.steps == 3  # asked after step 2: the step that was under way is finished and saved
    resumed = run(config, resume=True)
    assert resumed.steps == 4
    assert_same_bits(weights(whole), weights(resumed.encoder))
    assert [record["step"] for record in read_metrics(config.out)] == [0, 1, 2, 3, 4]


def test_batches_of_sources_are_repeated_and_resumed_with_the_same_bits(small_config, singing, tmp_path):
    sources = tuple(tmp_path / name for name in ("studio", "phone"))
    for source in sources:
        source.symlink_to(singing)
    settings = {"data": sources, "batch_size": 4, "sources_per_batch": 2, "out": tmp_path / "parts"}
    whole = run(small_config(**settings | {"steps": 3, "out": tmp_path / "whole"})).encoder
    run(small_config(**settings | {"steps": 2}))
    resumed = run(small_config(**settings | {"steps": 3}), resume=True).encoder
    assert_same_bits(weights(whole), weights(resumed))


def test_a_batch_must_divide_into_its_sources(small_config):
    with pytest.raises(ValueError, match="must be a positive multiple of sources_per_batch = 2, got 3"):
        run(small_config(sources_per_batch=2))


def test_a_finished_run_is_a_model(small_config):
    config = small_config(steps=1)
    result = run(config)
    assert_same_bits(weights(load_model(config.out)), weights(result.encoder))


@pytest.mark.parametrize(
    "settings",
    [
        {"encoder": "deezer", "objective": "singer_contrastive"},
        {"network": "cnn_transformer"},
    ],
    ids=["deezer", "cnn_transformer"],
)
def test_transformers_are_trained_as_the_command_line_names_them(small_config, settings):
    config = small_config(steps=2, learning_rate=1e-4, **settings)
    result = run(config)
    loaded = load_model(config.out)
    assert loaded.config == config.encoder_config
    assert_same_bits(weights(loaded), weights(result.encoder))
    untrained = weights(SingerEncoder(config.encoder_config, seed=config.seed))
    same = [name for name, value in weights(loaded).items() if torch.equal(value, untrained[name])]
    assert not same


def test_metrics_tell_loss_terms_speed_and_waiting(small_config):
    config = small_config(objective="vicreg", steps=2)
    run(config)
    records = read_metrics(config.out)
    assert [record["step"] for record in records] == [1, 2]
    assert all(record["loss"] > 0 and record["clips_per_second"] > 0 for record in records)
    for record in records:
        total = sum(weight * record[term] for term, weight in config.recipe.weights.items())
        assert record["loss"] == pytest.approx(total, rel=1e-6)  # float32 products of three terms
    assert all(0 <= record["waiting_share"] <= 1 for record in records)


def test_unreadable_files_are_named_and_skipped(small_config, singing, tmp_path):
    folder = tmp_path / "mixed"
    folder.mkdir()
    for number, path in enumerate(sorted(singing.rglob("*.wav"))):
        (folder / f"{number}.wav").write_bytes(path.read_bytes())
    (folder / "broken.wav").write_bytes(b"RIFF not audio")
    result = run(small_config(data=(folder,), steps=1))
    assert list(result.skipped_files) == ["broken.wav"]
    assert "broken.wav" in result.skipped_files["broken.wav"]


def test_short_files_are_counted(small_config):
    assert run(small_config(steps=1, crop_seconds=2.0)).short_files == 6


@pytest.mark.parametrize(
    ("settings", "options", "sentence"),
    [
        (
            {"batch_size": 7},
            {},
            "train: batch_size must be at most the number of usable files, 6, got 7 (0 files are unreadable)",
        ),
        ({}, {"resume": True}, "train: out must hold a checkpoint to resume from, got none in {out}"),
    ],
)
def test_what_cannot_be_trained_is_said(small_config, settings, options, sentence):
    config = small_config(**settings)
    with pytest.raises(ValueError) as caught:
        run(config, **options)
    assert str(caught.value) == sentence.format(out=config.out)


def test_an_occupied_folder_is_not_overwritten(small_config):
    config = small_config(steps=1)
    run(config)
    with pytest.raises(ValueError) as caught:
        run(config)
    assert str(caught.value) == f"train: out must be a new or empty folder, or be resumed, got {config.out}"


def test_a_resumed_run_must_have_the_same_settings(small_config):
    config = small_config(steps=2)
    run(config)
    with pytest.raises(ValueError) as caught:
        run(dataclasses.replace(config, steps=3, temperature=0.5), resume=True)
    assert str(caught.value) == "train: temperature must be 0.2 as in the resumed run, got 0.5"


def test_a_run_is_not_resumed_to_fewer_steps_than_it_has_done(small_config):
    config = small_config(steps=2)
    run(config)
    with pytest.raises(ValueError) as caught:
        run(dataclasses.replace(config, steps=1), resume=True)
    assert str(caught.value) == (
        "train: steps must be at least those that the resumed run has done, 2, got 1"
    )


def test_a_resumed_run_must_have_the_same_weights(small_config):
    config = small_config(objective="vicreg", steps=1)
    run(config)
    with pytest.raises(ValueError) as caught:
        run(dataclasses.replace(config, steps=2, weights={"variance": 5.0}), resume=True)
    weights = {"invariance": 25.0, "variance": 25.0, "covariance": 100.0}
    assert str(caught.value) == (
        f"train: weights must be {weights} as in the resumed run, got {weights | {'variance': 5.0}}"
    )


def test_a_resumed_run_must_have_the_same_chain_whatever_it_is_called(small_config, tmp_path):
    path = tmp_path / "chain.json"
    path.write_text('[{"name": "gain", "min_gain_db": -3}]')
    run(small_config(steps=1, augmentation=str(path)))
    path.rename(tmp_path / "renamed.json")
    assert run(small_config(steps=2, augmentation=str(tmp_path / "renamed.json")), resume=True).steps == 2
    path.write_text('[{"name": "gain", "min_gain_db": -2}]')
    with pytest.raises(ValueError) as caught:
        run(small_config(steps=3, augmentation=str(path)), resume=True)
    before, after = (
        [{"name": "gain", "min_gain_db": gain_db, "max_gain_db": 0.0, "probability": 0.5}]
        for gain_db in (-3, -2)
    )
    assert str(caught.value) == f"train: transforms must be {before} as in the resumed run, got {after}"


def test_augmentation_makes_the_run(small_config, tmp_path):
    plain, strong = (
        run(small_config(steps=1, augmentation=name, out=tmp_path / name)).encoder
        for name in ("none", "strong")
    )
    assert any(not torch.equal(a, b) for a, b in zip(plain.parameters(), strong.parameters(), strict=True))


def test_a_loss_that_is_not_finite_stops_the_run(small_config):
    config = small_config(learning_rate=1e30, steps=20)
    with pytest.raises(
        FloatingPointError, match=r"train: loss and weights must be finite, got -?(nan|inf) by step"
    ):
        run(config)
