"""The specification's OpenAPI, read from the folder that `OPENAPI_DIR` names."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import schemathesis
from schemathesis.config import SchemathesisConfig

_ROOT = Path(__file__).resolve().parents[2]
# Generated requests repeat the examples of the specification; no request may leave this machine.
_REAL_NAMES = re.compile(r"\b(?:[\w-]+\.)*(?:matrix|example|elsewhere|bar|server)\.(?:org|com|ca)\b")
_METHODS = ("get", "put", "post", "delete")

CLIENT, SERVER = "client-server", "server-server"


@dataclass
class Operation:
    """One method of one path."""

    api: str
    """`CLIENT` or `SERVER`."""
    name: str
    """The `operationId`: unique within its API, and what recipes are filed under."""
    definition: object
    """What Schemathesis makes examples and requests from."""
    needs_token: bool
    """True if the specification gives no way to call it without authorization."""

    @property
    def method(self):
        """In capital letters."""
        return self.definition.method.upper()

    @property
    def path(self):
        """With its parameters in braces."""
        return self.definition.path

    @property
    def line(self):
        """How lists and reports name it."""
        return f"{self.method} {self.path}"


def folder():
    """The folder with the OpenAPI files, or None if there is none."""
    named = os.environ.get("OPENAPI_DIR")
    place = Path(named) if named else _ROOT.parent / "shared/facts/openapi"
    return place if (place / f"{CLIENT}.json").is_file() else None


def operations(api, place):
    """All operations of one API, in the order of the file."""
    text = _REAL_NAMES.sub("nowhere.invalid", (place / f"{api}.json").read_text())
    document = json.loads(text)
    _merge_trimmed_paths(document["paths"])
    config = SchemathesisConfig.from_dict({"generation": {"with-security-parameters": False}})
    schema = schemathesis.openapi.from_dict(document, config=config)
    found = []
    for result in schema.get_all_operations():
        definition = result.ok()
        raw = document["paths"][definition.path][definition.method]
        needs_token = _needs_token(api, raw.get("security", []))
        found.append(Operation(api, raw["operationId"], definition, needs_token))
    return found


def _needs_token(api, security):
    """The client-server file asks a room's summary for a server's signature; it needs nothing."""
    schemes = {scheme for way in security for scheme in way}
    is_ours = api == SERVER or "signedRequest" not in schemes
    return bool(schemes) and is_ours and {} not in security


def _merge_trimmed_paths(paths):
    """Two paths end in a space: the specification's way to describe one operation twice.

    Requests may have either form; answers and parameters of the two do not differ but in that.
    """
    for path in [path for path in paths if path != path.strip()]:
        twin = paths[path.strip()]
        for method, extra in paths.pop(path).items():
            if method in _METHODS:
                _merge(twin[method], extra)


def _merge(operation, extra):
    known = {parameter["name"] for parameter in operation.get("parameters", [])}
    for parameter in extra.get("parameters", []):
        if parameter["name"] not in known:
            operation["parameters"].append(parameter | {"required": False})
    for status, answer in extra["responses"].items():
        operation["responses"].setdefault(status, answer)
    if "requestBody" in extra:
        forms = [_json_schema(each["requestBody"]) for each in (operation, extra)]
        operation["requestBody"]["content"]["application/json"] = {"schema": {"anyOf": forms}}


def _json_schema(request_body):
    return request_body["content"]["application/json"]["schema"]
