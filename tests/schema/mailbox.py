"""A mail server that takes all mail, so that links in mails can be followed."""

import re
import socketserver
import threading
from email import message_from_bytes, policy
from urllib.parse import parse_qs, urlsplit

from ports import free_port
from waiting import eventually

_LINK = re.compile(r"https?://\S+")


class Mailbox:
    """Listens on a loopback address of its own until it is closed."""

    host = "127.0.0.10"

    def __init__(self):
        self.port = free_port(self.host)
        self._texts = {}
        self._server = socketserver.ThreadingTCPServer((self.host, self.port), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="mailbox", daemon=True).start()

    @property
    def settings(self):
        """What a server needs to send its mail here."""
        return {
            "GANTRY_MAIL__HOST": self.host,
            "GANTRY_MAIL__PORT": str(self.port),
            "GANTRY_MAIL__SECURITY": "none",
            "GANTRY_MAIL__FROM": "Gantry <noreply@example.org>",
        }

    def link_parameters(self, address):
        """The query of the link in the last mail to an address."""
        text = eventually(lambda: self._texts.get(address), f"a mail to {address} arrives")
        query = parse_qs(urlsplit(_LINK.search(text)[0]).query)
        return {name: values[0] for name, values in query.items()}

    def close(self):
        """Take no mail any longer."""
        self._server.shutdown()
        self._server.server_close()

    def _handler(self):
        texts = self._texts

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                self._say("220 ready")
                recipients = []
                while line := self.rfile.readline():
                    verb = line.split()[0].upper() if line.strip() else b""
                    if verb == b"QUIT":
                        self._say("221 bye")
                        return
                    if verb == b"RCPT":
                        recipients.append(line.decode().split("<")[1].split(">")[0])
                    if verb == b"DATA":
                        self._say("354 go on")
                        text = self._mail_text()
                        texts.update(dict.fromkeys(recipients, text))
                        recipients = []
                    self._say("250 fine")

            def _mail_text(self):
                lines = []
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    lines.append(line)
                message = message_from_bytes(b"".join(lines), policy=policy.default)
                return message.get_content()

            def _say(self, line):
                self.wfile.write(f"{line}\r\n".encode())

        return Handler
