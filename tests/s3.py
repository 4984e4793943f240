"""An S3 server on this machine, by moto, that can go away in the middle and come back."""

import threading
import urllib.request
from contextlib import contextmanager

import pytest
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

from keras_ruo2.data.stores import Unreachable

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "somebody",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}


class Quiet(WSGIRequestHandler):
    """Prints no line for each request."""

    def log(self, type, message, *args):
        pass


class Server:
    """What moto keeps, it keeps in this process: it is still there when the server comes back.

    `left` is the number of shards that are asked for or brought before the server goes away, half
    way through the next one; `None` for never. `asked` are pairs of a method and a path.
    """

    def __init__(self):
        self.application = DomainDispatcherApplication(create_backend_app)
        self.port, self.thread, self.left, self.asked = 0, None, None, []
        self.stopping = None
        self.start()

    def start(self):
        """Come back, if away."""
        if self.stopping is not None:
            self.stopping.join()
        self.left, self.stopping = None, None
        if self.thread is not None:
            return
        self.server = make_server(
            "127.0.0.1", self.port, self.answer, threaded=True, request_handler=Quiet
        )
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, args=[0.02], daemon=True)
        self.thread.start()

    def stop(self):
        if self.thread is not None:
            self.server.shutdown()
            self.thread.join()
            self.server.server_close()
        self.thread = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def going_away(self, after):
        """Expect a block to fail because the server goes away; then it comes back."""
        self.left = after
        with pytest.raises(Unreachable, match="no answer from http://127.*repeat the command"):
            yield
        self.start()

    def answer(self, environ, start_response):
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.asked.append((method, path))
        if path.endswith(".tfrecord") and method in ("GET", "PUT") and self.left is not None:
            self.left -= 1
            if self.left < 0:
                return self.break_off(environ, start_response)
        return self.application(environ, start_response)

    def break_off(self, environ, start_response):
        """Send half of a shard, or forget one that is brought, and go away."""
        if self.stopping is None:
            self.stopping = threading.Thread(target=self.stop)
            self.stopping.start()
        if environ["REQUEST_METHOD"] == "PUT":
            start_response("503 Service Unavailable", [("Content-Length", "0")])
            return [b""]
        whole = b"".join(self.application(environ, start_response))
        return [whole[: len(whole) // 2]]

    def post(self, path, content):
        request = urllib.request.Request(self.url + path, content, {"Content-Type": "text/plain"})
        urllib.request.urlopen(request).read()

    def make_bucket(self, name):
        request = urllib.request.Request(f"{self.url}/{name}", method="PUT")
        urllib.request.urlopen(request).read()

    def count(self, method):
        """Return how many shards were asked for (GET) or brought (PUT)."""
        return sum(m == method and path.endswith(".tfrecord") for m, path in self.asked)
