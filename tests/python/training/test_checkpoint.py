import dataclasses
import errno
import json

import pytest
import torch

from singerprint.models import SingerEncoder, save_model
from singerprint.training import train
from singerprint.training.checkpoint import TrainingState, load_checkpoint, newest_checkpoint, save_checkpoint
from singerprint.training.objectives import build_objective


@pytest.fixture
def state(small_config):
    """The state after one real step."""
    config = small_config(objective="byol")
    encoder = SingerEncoder.untrained(seed=0)
    objective = build_objective(config, encoder)
    trained = [p for p in [*encoder.parameters(), *objective.parameters()] if p.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=1e-3)
    encoder.train()
    waveforms = torch.randn(2, 2, 8192, generator=torch.Generator().manual_seed(0))
    objective(encoder, *waveforms, torch.arange(2)).total.backward()
    optimizer.step()
    return TrainingState(encoder, objective, optimizer, config, ("a.wav", "b.wav"))


def test_what_is_saved_is_what_is_loaded(state, tmp_path):
    encoder, objective, optimizer, config, files = state
    path = save_checkpoint(tmp_path, 1, state)
    expected = [module.state_dict() for module in (encoder, objective)]
    moments = optimizer.state_dict()["state"]

    other = SingerEncoder.untrained(seed=1)
    other_objective = build_objective(config, other)
    trained = [p for p in [*other.parameters(), *other_objective.parameters()] if p.requires_grad]
    other_optimizer = torch.optim.Adam(trained, lr=1e-3)
    assert load_checkpoint(path, TrainingState(other, other_objective, other_optimizer, config, files)) == 1
    for module, values in zip((other, other_objective), expected, strict=True):
        assert all(torch.equal(value, values[name]) for name, value in module.state_dict().items())
    loaded = other_optimizer.state_dict()["state"]
    assert loaded.keys() == moments.keys()
    assert all(torch.equal(loaded[i][key], moments[i][key]) for i in moments for key in moments[i])


def test_only_the_newest_two_are_kept(state, tmp_path):
    for step in (1, 2, 3):
        save_checkpoint(tmp_path, step, state)
    names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert names == ["step-00000002", "step-00000003"]


@pytest.mark.parametrize("name", ["encoder.safetensors", "training.safetensors", "training.json"])
def test_a_damaged_checkpoint_is_passed_over_loudly(state, tmp_path, name):
    for step in (1, 2):
        path = save_checkpoint(tmp_path, step, state)
    (path / name).write_bytes((path / name).read_bytes()[:-2])
    with pytest.warns(UserWarning, match=r"step-00000002 is damaged .* an earlier checkpoint is used"):
        assert newest_checkpoint(tmp_path).name == "step-00000001"


def test_a_full_disk_leaves_the_older_checkpoint_and_nothing_else(state, tmp_path, monkeypatch):
    save_checkpoint(tmp_path, 1, state)

    def full(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)  # where a full disk shows at the latest
    with pytest.raises(OSError, match="No space left on device"):
        save_checkpoint(tmp_path, 2, state)
    assert [path.name for path in (tmp_path / "checkpoints").iterdir()] == ["step-00000001"]
    assert newest_checkpoint(tmp_path).name == "step-00000001"


def test_a_checkpoint_of_another_schema_is_refused(state, tmp_path):
    path = save_checkpoint(tmp_path, 1, state)
    facts = json.loads((path / "training.json").read_text())
    (path / "training.json").write_text(json.dumps(facts | {"schema": 99}))
    with pytest.raises(ValueError) as caught:
        load_checkpoint(path, state)
    assert str(caught.value) == f"train: {path} must have schema 2, got 99"


def test_other_files_are_another_run(state, tmp_path):
    path = save_checkpoint(tmp_path, 1, state)
    with pytest.raises(ValueError) as caught:
        load_checkpoint(path, state._replace(files=("a.wav",)))
    assert str(caught.value) == "train: data must hold the files of the resumed run, got others"


def test_a_schedule_that_ends_fixes_the_steps(state, tmp_path):
    path = save_checkpoint(tmp_path, 1, state)
    longer = dataclasses.replace(state.config, steps=9)
    with pytest.raises(ValueError) as caught:
        load_checkpoint(path, state._replace(config=longer))
    assert str(caught.value) == "train: steps must be 4 as in the resumed run, got 9"


def test_an_encoder_can_be_the_start_of_a_run(small_config, tmp_path):
    start = SingerEncoder.untrained(seed=5)
    save_model(start, tmp_path / "start")
    # Nothing moves the weights at a learning rate of 0.
    result = train(small_config(init=tmp_path / "start", steps=1, learning_rate=0.0), show_progress=False)
    pairs = zip(start.parameters(), result.encoder.parameters(), strict=True)
    assert all(torch.equal(before, after) for before, after in pairs)
