"""The stand-in for singer_identity: the published forward, parts and arguments, under either name."""

import copy
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tests.python.released_model import published_model, relative_error, singing, write_published_model

import singerprint as sp
from singerprint.compat import singer_identity

# As in models/test_released.py.
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("released")
    write_published_model(folder / "unif-align")
    return folder


@pytest.fixture(scope="module")
def model(source):
    return singer_identity.load_model("uniformity", str(source), False, None, 44_100)


def test_model_and_parts_are_those_of_the_published_forward(model):
    waveforms = singing(batch=3, samples=22_050, seed=3)
    published = copy.deepcopy(published_model()).double()
    with torch.no_grad():
        powers = published.feature_extractor(waveforms.double())
        expected = published.encoder(powers)
        found = model.feature_extractor(waveforms)
        # A bin rounds at 1e-7 of its frame's loudest: quiet bands of the tones lie 10^4 below it in power.
        torch.testing.assert_close(found, powers.float(), rtol=1e-4, atol=1e-6 * float(powers.max()))
        assert relative_error(model(waveforms), expected) <= TOLERANCE
        assert torch.equal(model.encoder(found), model(waveforms))
        assert torch.equal(model(waveforms[:, None]), model(waveforms))
    assert next(model.parameters()).device.type == "cpu"
    assert not model.training


def test_it_is_the_encoder_of_this_package_with_the_maximum_of_the_batch(model, source):
    waveforms = singing(batch=3, samples=4410)
    with torch.no_grad():
        found = model(waveforms)
        assert (
            relative_error(found, sp.load_model("uniformity", source, reference=True)(waveforms)) <= TOLERANCE
        )
        assert relative_error(found, sp.load_model("uniformity", source)(waveforms)) > TOLERANCE


def test_input_of_another_rate_is_resampled(model, source):
    waveforms = singing(batch=1, samples=8000)
    at_16_khz = singer_identity.load_model("uniformity", source, input_sr=16_000)
    with torch.no_grad():
        expected = model(sp.frontend.resample(waveforms, 16_000, 44_100))
        assert torch.equal(at_16_khz(waveforms), expected)


def test_savedir_is_ignored_with_a_warning(source):
    with pytest.warns(
        UserWarning, match="^load_model: savedir is ignored, the hub's cache keeps what is fetched$"
    ):
        singer_identity.load_model("uniformity", source, savedir="models")


def test_an_unchanged_program_finds_it_under_the_published_name(source):
    root = Path(__file__).parents[3]
    program = (
        "import sys\n"
        f"sys.path += [{str(root / 'compat')!r}, {str(Path(sp.__file__).parents[1])!r}]\n"
        "from singer_identity import load_model\n"
        f"print(type(load_model('uniformity', source={str(source)!r})).__name__)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "IdentityEncoder\n"
