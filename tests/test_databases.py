import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from crystutor import classify
from crystutor.crystal.databases import fetch_structures

SERVER = Path(__file__).parent / "optimade_server.py"


@pytest.fixture(scope="module")
def optimade(tmp_path_factory):
    """Address of a real OPTIMADE server with crystals of four elements."""
    command = [sys.executable, str(SERVER), str(tmp_path_factory.mktemp("optimade"))]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield process.stdout.readline().strip()
        process.terminate()


@pytest.fixture
def provider():
    """Start a server of our own: a function from what it does with a request to its address."""
    servers = []

    def start(answer):
        handler = type("Handler", (BaseHTTPRequestHandler,), {"do_GET": answer})
        handler.log_message = lambda *_: None
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()


def test_structures_from_a_real_server(optimade, tmp_path):
    found = fetch_structures(elements=["Cu"], provider=optimade, timeout=60, cache=tmp_path)
    assert list(found) == ["test-Cu"]
    assert classify(next(iter(found.values()))).label == "fcc"
    assert list(fetch_structures("W", provider=optimade, cache=tmp_path)) == ["test-W"]
    assert fetch_structures("NaCl", provider=optimade, cache=tmp_path) == {}


def test_answers_are_kept(optimade, tmp_path, monkeypatch):
    before = fetch_structures("Si", provider=optimade, timeout=60, cache=tmp_path)
    monkeypatch.setattr("crystutor.crystal.databases._ask", None)
    assert fetch_structures("Si", provider=optimade, cache=tmp_path) == before


def fail(handler):
    handler.send_error(500)


def hang(handler):
    threading.Event().wait(3)


def babble(handler):
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(b'{"data": ')


@pytest.mark.parametrize(
    ("answer", "message"),
    [(fail, "status 500"), (hang, "no answer within 1 s"), (babble, "not OPTIMADE's JSON")],
)
def test_a_bad_provider_gives_one_line_with_what_to_do(provider, tmp_path, answer, message):
    with pytest.raises(ConnectionError, match=rf"{message}.*Cu\.cif") as error:
        fetch_structures("Cu", provider=provider(answer), timeout=1, cache=tmp_path)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.rglob("*.json"))


def test_offline(tmp_path):
    with pytest.raises(ConnectionError, match="cannot be reached"):
        fetch_structures("Cu", provider="http://127.0.0.1:9/", cache=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "one of the two"),
        ({"formula": "Cu", "elements": ["Cu"]}, "one of the two"),
        ({"formula": "copper!"}, "formula is 'copper!'"),
        ({"elements": ["Xx"]}, "chemical symbols"),
        ({"formula": "Cu", "provider": "nobody"}, "'nobody' is unknown"),
        ({"formula": "Cu", "limit": 0}, "limit is 0"),
    ],
)
def test_bad_questions(arguments, message):
    with pytest.raises(ValueError, match=message):
        fetch_structures(**arguments)


def test_nothing_else_opens_a_socket_and_tensorflow_stays_quiet():
    code = """
import socket
def refuse(*arguments, **named): raise AssertionError("a socket was opened")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
import crystutor as ct
answer = ct.classify(ct.read_structure(ct.EXAMPLES / "Cu.cif"))
print(answer.label)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (run.stdout, run.stderr) == ("fcc\n", "")
