"""Where released models come from: a folder, or a hub repository, for which a server here answers."""

import hashlib
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from tests.python.released_model import write_published_model

import singerprint as sp
from singerprint.models import ModelError, load_model

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    folder = tmp_path_factory.mktemp("repository")
    write_published_model(folder / "unif-align")
    return folder


@pytest.fixture
def hub(repository):
    """A server that answers for files of user/singers as the hub does; gives its address."""

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.answer(b"", whole=self.file())

        def do_GET(self):
            self.answer(self.file() or b"", whole=self.file())

        def file(self):
            path = repository / self.path.removeprefix("/user/singers/resolve/main/").removeprefix(
                f"/user/singers/resolve/{COMMIT}/"
            )
            return path.read_bytes() if path.is_file() else None

        def answer(self, body, whole):
            self.send_response(404 if whole is None else 200)
            if whole is None:
                self.send_header("X-Error-Code", "EntryNotFound")
            else:
                self.send_header("ETag", f'"{hashlib.sha1(whole).hexdigest()}"')
                self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("Content-Length", str(len(whole or b"")))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def load_in_a_process(tmp_path, name, source, **environment):
    """What `load_model` prints: huggingface_hub reads its environment when it is imported."""
    package = str(Path(sp.__file__).parents[1])
    program = (
        "import singerprint as sp\n"
        f"try: model = sp.load_model({name!r}, {source!r})\n"
        "except ValueError as error: print(f'{type(error).__name__}: {error}')\n"
        "else: print(model.state_dict()['network.classifier.1.bias'].sum().item())\n"
    )
    environment = os.environ | {"PYTHONPATH": package, "HF_HOME": str(tmp_path), **environment}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_a_model_of_the_hub_is_fetched_and_found_again_without_it(hub, repository, tmp_path):
    expected = load_model(repository / "unif-align").state_dict()["network.classifier.1.bias"].sum()
    # "uniformity" is what programs say, unif-align what the hub has.
    fetched = load_in_a_process(tmp_path, "uniformity", "user/singers", HF_ENDPOINT=hub)
    assert float(fetched) == expected != 0
    assert load_in_a_process(tmp_path, "unif-align", "user/singers", HF_HUB_OFFLINE="1") == fetched
    missing = load_in_a_process(tmp_path, "byol", "user/singers", HF_ENDPOINT=hub)
    assert missing.startswith(
        "ModelError: load_model: source user/singers is no existing folder, and byol cannot be had from the "
        "hub by that name ("
    )


def test_a_hub_that_cannot_be_reached_is_named(tmp_path):
    assert load_in_a_process(tmp_path, "byol", "user/singers", HF_HUB_OFFLINE="1") == (
        "ModelError: load_model: source user/singers is no existing folder, and the hub cannot be reached "
        "for byol\n"
    )
    assert load_in_a_process(tmp_path, "byol", "/no/such/folder", HF_HUB_OFFLINE="1") == (
        "ModelError: load_model: source /no/such/folder is no existing folder, and byol cannot be had from "
        "the hub by that name (HFValidationError)\n"
    )


def test_without_huggingface_hub_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ModelError) as caught:
        load_model("byol")
    assert str(caught.value) == (
        "load_model: source must be an existing folder where huggingface_hub is not installed "
        "(pip install singerprint[hub]), got BernardoTorres/singer-identity"
    )


def test_both_names_find_the_folder(repository):
    states = [load_model(name, repository).state_dict() for name in ("uniformity", "unif-align")]
    assert all(torch.equal(states[0][key], tensor) for key, tensor in states[1].items())


def test_a_source_without_the_model_is_named(repository):
    with pytest.raises(ModelError) as caught:
        load_model("byol", repository)
    assert str(caught.value) == f"load_model: source {repository} holds no folder byol"


def test_an_existing_path_goes_before_a_released_name(repository, tmp_path, monkeypatch):
    (tmp_path / "byol").symlink_to(repository / "unif-align")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    assert load_model("byol").dim == 1000
