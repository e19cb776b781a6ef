"""A server that answers for the files of a folder as the Hugging Face hub does for those of a repository."""

import hashlib
import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import singerprint as sp

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextmanager
def hub_of(folder, repository):
    """Serves `folder` as `repository` (``user/name``); gives the address for HF_ENDPOINT."""

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self):
            self.answer(b"", whole=self.file())

        def do_GET(self):
            self.answer(self.file() or b"", whole=self.file())

        def file(self):
            path = folder / self.path.removeprefix(f"/{repository}/resolve/main/").removeprefix(
                f"/{repository}/resolve/{COMMIT}/"
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


def printed_in_a_process(tmp_path, expression, **environment):
    """What ``print(expression)`` or its error prints: huggingface_hub reads its environment when imported."""
    package = str(Path(sp.__file__).parents[1])
    program = (
        "import singerprint as sp\n"
        f"try: result = {expression}\n"
        "except ValueError as error: print(f'{type(error).__name__}: {error}')\n"
        "else: print(result)\n"
    )
    environment = os.environ | {"PYTHONPATH": package, "HF_HOME": str(tmp_path), **environment}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout
