"""The servers under test and beside it, each on free loopback ports."""

import base64
import json
import os
import secrets
import signal
import subprocess

import requests
from ports import free_port
from processes import Program


def _answers(url):
    """True if there is a server that answers 200."""
    try:
        return requests.get(url, timeout=2).status_code == 200
    except requests.RequestException:
        return False


def _count(log, words):
    with log.open(errors="replace") as lines:
        return sum(words in line for line in lines)


class Gantry:
    """One Gantry server. `start` after `kill` goes on with the same data and ports."""

    address = "127.0.0.1"

    def __init__(self, binary, folder, authority, storage, name=None):
        self.plain_port, self.tls_port = free_port(self.address), free_port(self.address)
        self._tls = f"{self.address}:{self.tls_port}"
        self.name = name or self._tls
        self.url = f"http://{self.address}:{self.plain_port}"
        self.websocket_url = f"ws://{self.address}:{self.plain_port}/websocket"
        self._binary = binary
        self._settings = self._environment(folder, authority, storage)
        command = [binary, "serve"]
        self._program = Program(folder.name, command, folder / "gantry.log", self._settings)

    def start(self):
        """Start the server and wait for its first answer."""
        self._program.start(lambda: _answers(self.url + "/_matrix/client/versions"))

    def stop(self):
        """End the server as an operator does."""
        self._program.stop()

    def kill(self):
        """End the server as a power cut does."""
        self._program.kill()

    def freeze(self):
        """Stop the process without ending it; its connections stay."""
        self._program.signal(signal.SIGSTOP)

    def thaw(self):
        """Let it go on."""
        self._program.signal(signal.SIGCONT)

    def administer(self, *arguments):
        """Run `gantry admin` on the data of the stopped server; returns what it prints."""
        command = [self._binary, "admin", *arguments]
        return subprocess.run(
            command, env=self._settings, check=True, capture_output=True, text=True
        ).stdout

    def is_alive(self):
        """True while the process exists."""
        return self._program.is_alive()

    def environment(self):
        """The environment that the process was started with."""
        with open(f"/proc/{self._program.pid}/environ", encoding="utf-8") as file:
            return dict(entry.split("=", 1) for entry in file.read().split("\0") if entry)

    def processor_seconds(self):
        """How long it has computed since it was started."""
        return self._program.processor_seconds()

    def logged(self, words):
        """How many lines of the log contain these words."""
        return _count(self._program.log, words)

    def _environment(self, folder, authority, storage):
        certificate, key = authority.issue(folder.name, self.address)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("GANTRY_")}
        return {
            **inherited,
            "GANTRY_SERVER__NAME": self.name,
            "GANTRY_SERVER__DATA_DIR": str(folder / "data"),
            "GANTRY_LISTENERS__PLAIN": f"{self.address}:{self.plain_port}",
            "GANTRY_LISTENERS__TLS": self._tls,
            "GANTRY_LISTENERS__TLS_CERTIFICATE": str(certificate),
            "GANTRY_LISTENERS__TLS_PRIVATE_KEY": str(key),
            "GANTRY_OUTBOUND__EXTRA_CA": str(authority.certificate),
            "GANTRY_OUTBOUND__ALLOWED_PRIVATE_RANGES": "127.0.0.0/8",
            "GANTRY_REGISTRATION__OPEN": "true",
            "GANTRY_LIMITS__ENABLED": "false",
            "GANTRY_ACCOUNTS__CHEAP_PASSWORDS": "true",
            "GANTRY_FEDERATION__RETRY_MIN_MS": "200",
            "GANTRY_FEDERATION__RETRY_MAX_MS": "1000",
            "GANTRY_TELEMETRY__FILTER": "info",
            **storage,
        }


def redb_storage():
    """The settings of the embedded engine."""
    return {"GANTRY_STORAGE__ENGINE": "redb"}


def mongodb_storage(uri):
    """The settings of a database of its own in the running mongod."""
    return {
        "GANTRY_STORAGE__ENGINE": "mongodb",
        "GANTRY_STORAGE__URI": uri,
        "GANTRY_STORAGE__DATABASE": f"gantry_{secrets.token_hex(6)}",
    }


class Synapse:
    """One Synapse server on SQLite."""

    def __init__(self, python, folder, authority, address):
        self._plain, self._tls = free_port(address), free_port(address)
        self._address = address
        self.name = f"{address}:{self._tls}"
        self.url = f"http://{address}:{self._plain}"
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._write_signing_key()
        self._write_json("log.yaml", self._log_settings())
        self._write_json("homeserver.yaml", self._settings(authority))
        command = [python, "-B", "-m", "synapse.app.homeserver"]
        command += ["-c", folder / "homeserver.yaml"]
        self._program = Program(folder.name, command, folder / "synapse.log")

    def start(self):
        """Start the server and wait for its first answer."""
        self._program.start(lambda: _answers(self.url + "/health"), deadline=60)

    def stop(self):
        """End the server."""
        self._program.stop()

    def kill(self):
        """End the server as a power cut does."""
        self._program.kill()

    def is_alive(self):
        """True while the process exists."""
        return self._program.is_alive()

    def _write_signing_key(self):
        seed = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        (self._folder / "signing.key").write_text(f"ed25519 a_test {seed}\n")

    def _write_json(self, name, settings):
        """Synapse reads YAML, and every JSON text is one."""
        (self._folder / name).write_text(json.dumps(settings, indent=1))

    def _log_settings(self):
        return {
            "version": 1,
            "formatters": {"line": {"format": "%(asctime)s %(name)s %(levelname)s %(message)s"}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"level": "INFO", "handlers": ["stderr"]},
            "disable_existing_loggers": False,
        }

    def _settings(self, authority):
        certificate, key = authority.issue(self._folder.name, self._address)
        return {
            "server_name": self.name,
            "public_baseurl": self.url + "/",
            "report_stats": False,
            "signing_key_path": str(self._folder / "signing.key"),
            "log_config": str(self._folder / "log.yaml"),
            "media_store_path": str(self._folder / "media"),
            "listeners": [self._listener(self._plain, False), self._listener(self._tls, True)],
            "tls_certificate_path": str(certificate),
            "tls_private_key_path": str(key),
            "federation_custom_ca_list": [str(authority.certificate)],
            "database": {
                "name": "sqlite3",
                "args": {"database": str(self._folder / "homeserver.db")},
            },
            # Nobody on the internet is asked for keys, and loopback is allowed.
            "trusted_key_servers": [],
            "suppress_key_server_warning": True,
            "ip_range_blacklist": [],
            "enable_registration": True,
            "enable_registration_without_verification": True,
            "macaroon_secret_key": secrets.token_hex(16),
            "form_secret": secrets.token_hex(16),
            "bcrypt_rounds": 4,
            "presence": {"enabled": False},
            "url_preview_enabled": False,
            "federation": _QUICK_RETRIES,
            **_RATE_LIMITS,
        }

    def _listener(self, port, tls):
        return {
            "port": port,
            "tls": tls,
            "type": "http",
            "bind_addresses": [self._address],
            "resources": [{"names": ["client", "federation"], "compress": False}],
        }


_QUICK_RETRIES = {
    "destination_min_retry_interval": 500,
    "destination_max_retry_interval": "2s",
    "destination_retry_multiplier": 1,
    "max_short_retries": 2,
    "max_short_retry_delay": "1s",
}

_UNLIMITED = {"per_second": 10_000, "burst_count": 10_000}

_RATE_LIMITS = {
    "rc_message": _UNLIMITED,
    "rc_registration": _UNLIMITED,
    "rc_login": {"address": _UNLIMITED, "account": _UNLIMITED, "failed_attempts": _UNLIMITED},
    "rc_joins": {"local": _UNLIMITED, "remote": _UNLIMITED},
    "rc_joins_per_room": _UNLIMITED,
    "rc_invites": {"per_room": _UNLIMITED, "per_user": _UNLIMITED, "per_issuer": _UNLIMITED},
    "rc_room_creation": _UNLIMITED,
    "rc_admin_redaction": _UNLIMITED,
    "rc_federation": {
        "window_size": 1000,
        "sleep_limit": 100_000,
        "sleep_delay": 1,
        "reject_limit": 100_000,
        "concurrent": 100,
    },
}


class Mongod:
    """A replica set that this test run starts itself, with the mongod environment's Python."""

    def __init__(self, python, script, folder, members=1, breakable=False):
        self._command = [python, "-B", script, "--folder", folder, "--members", str(members)]
        self._command += ["--breakable"] if breakable else []
        self._folder = folder
        self._supervisor = None
        self.uri = None

    def start(self):
        """Start the server and learn its connection string."""
        self._supervisor = subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.uri = self._read()
        if not self.uri:
            raise RuntimeError(f"mongod does not start: {self._supervisor.wait()}")

    def cause(self, fault):
        """Have a fault caused; see `mongod.py`."""
        print(fault, file=self._supervisor.stdin, flush=True)
        answer = self._read()
        assert answer == fault, f"mongod.py answers {answer!r}"

    def logged(self, words):
        """How many lines of the members' logs contain these words."""
        return sum(_count(log, words) for log in self._folder.glob("*.log"))

    def _read(self):
        return self._supervisor.stdout.readline().strip()

    def stop(self):
        """Closing its input ends the server."""
        self._supervisor.stdin.close()
        self._supervisor.wait()
