"""The runner's start, run as it is in the container, against a vault and a GitHub of one's own."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "infra/components/runners.sh"
TOOLS = ("bash", "curl", "jq", "openssl", "base64")
pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, TOOLS)), reason=f"needs what is in the runner's image: {', '.join(TOOLS)}"
)


def unflat(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class World:
    """A vault that signs with a key which never leaves it, and a GitHub that believes the public half."""

    def __init__(self, folder):
        self.key, self.public, self.asked, self.refuses = folder / "key.pem", folder / "public.pem", [], ""
        subprocess.run(["openssl", "genrsa", "-out", self.key, "2048"], check=True, capture_output=True)
        subprocess.run(
            ["openssl", "rsa", "-in", self.key, "-pubout", "-out", self.public], check=True, capture_output=True
        )
        self.folder, world = folder, self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer("")

            def do_POST(self):
                self.answer(self.rfile.read(int(self.headers["Content-Length"] or 0)).decode())

            def answer(self, body):
                world.asked.append((self.path, self.headers, body))
                refused = bool(world.refuses) and world.refuses in self.path
                self.send_response(403 if refused else 200)
                self.end_headers()
                self.wfile.write(json.dumps({} if refused else world.tell(self.path, body)).encode())

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def tell(self, path, body):
        if path.startswith("/identity"):
            return {"access_token": "vault-token"}
        if "/sign" in path:
            return {"value": self.sign(unflat(json.loads(body)["value"]))}
        if path.endswith("/access_tokens"):
            return {"token": "installation-token"}
        return {"encoded_jit_config": "once"}

    def sign(self, digest):
        (self.folder / "digest").write_bytes(digest)
        command = [
            "openssl",
            "pkeyutl",
            "-sign",
            "-inkey",
            self.key,
            "-in",
            self.folder / "digest",
            "-pkeyopt",
            "digest:sha256",
        ]
        signed = subprocess.run(command, check=True, capture_output=True).stdout
        return base64.urlsafe_b64encode(signed).decode().rstrip("=")

    def believes(self, token):
        head, body, signature = token.split(".")
        (self.folder / "said").write_text(f"{head}.{body}")
        (self.folder / "signature").write_bytes(unflat(signature))
        command = [
            "openssl",
            "dgst",
            "-sha256",
            "-verify",
            self.public,
            "-signature",
            self.folder / "signature",
            self.folder / "said",
        ]
        assert subprocess.run(command, capture_output=True, check=False).returncode == 0
        return json.loads(unflat(body))


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.server.shutdown()
    made.server.server_close()


def start(world):
    """Runs the script beside a `run.sh` that keeps what it was told."""
    (world.folder / "run.sh").write_text('#!/bin/sh\necho "$@" > told\n')
    (world.folder / "run.sh").chmod(0o755)
    given = {
        "IDENTITY_ENDPOINT": f"{world.url}/identity", "IDENTITY_HEADER": "header", "CLIENT_ID": "client",
        "SIGNING_KEY": f"{world.url}/keys/github-app", "APP_ID": "123", "INSTALLATION_ID": "456",
        "REPOSITORY": "contoso/models", "LABEL": "mlops-prod", "GITHUB_API": world.url,
    }  # fmt: skip
    return subprocess.run(
        ["bash", SCRIPT], cwd=world.folder, env={"PATH": os.environ["PATH"], **given}, capture_output=True, check=False, timeout=30
    )  # fmt: skip


def test_a_runner_registers_for_one_job_with_a_token_that_the_vault_signed(world):
    done = start(world)
    assert done.returncode == 0, done.stderr
    assert (world.folder / "told").read_text() == "--jitconfig once\n"
    identity, sign, installation, jit = world.asked
    assert identity[1]["X-Identity-Header"] == "header"
    assert "client_id=client" in identity[0]
    assert sign[1]["Authorization"] == "Bearer vault-token"
    claims = world.believes(installation[1]["Authorization"].removeprefix("Bearer "))
    assert claims["iss"] == "123"
    assert claims["exp"] - claims["iat"] <= 600  # GitHub takes ten minutes at most
    assert installation[0] == "/app/installations/456/access_tokens"
    assert jit[0] == "/repos/contoso/models/actions/runners/generate-jitconfig"
    assert json.loads(jit[2])["labels"] == ["mlops-prod"]


@pytest.mark.parametrize("step", ["/identity", "/sign", "/access_tokens", "generate-jitconfig"])
def test_a_refusal_anywhere_ends_it_before_anything_runs(world, step):
    world.refuses = step
    assert start(world).returncode != 0
    assert not (world.folder / "told").exists()
