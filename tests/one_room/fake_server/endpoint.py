"""The side of the fake server that answers: keys over TLS, invites, and little else."""

import json
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def serve(address, port, certificate, private_key, key_document, signed):
    """Start to serve; `key_document` makes the answer to a request for the server's keys, and
    `signed` adds the server's signature to an event: invites are accepted."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            if self.path.startswith("/_matrix/key/v2/server"):
                self._answer(200, key_document())
            else:
                self._answer(404, {"errcode": "M_UNRECOGNIZED", "error": "not here"})

        def do_POST(self):
            self._read_body()
            self._answer(404, {"errcode": "M_UNRECOGNIZED", "error": "not here"})

        def do_PUT(self):
            body = self._read_body()
            if "/v2/invite/" in self.path:
                self._answer(200, {"event": signed(json.loads(body)["event"])})
            else:
                self._answer(200, {"pdus": {}})

        def log_message(self, *_):
            pass

        def _read_body(self):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def _answer(self, status, document):
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, private_key)
    server = ThreadingHTTPServer((address, port), Handler, bind_and_activate=False)
    server.daemon_threads = True
    server.socket = context.wrap_socket(
        server.socket, server_side=True, do_handshake_on_connect=False
    )
    server.server_bind()
    server.server_activate()
    threading.Thread(target=server.serve_forever, name="fake server", daemon=True).start()
    return server
