"""What a server may answer to a question for its keys."""

import json

from crowd.room import ServerKey
from fake_server.events import canonical_json, without

from hostile.forged import now

_DAY_MS = 86_400_000
_FAR = 2**53 - 1


def key_answer(lie, name):
    """The body of the answer."""
    key, time = ServerKey(name), now()
    document = without(key.document(name, time), "signatures")
    match lie:
        case "far future":
            document["valid_until_ts"] = _FAR
        case "expired":
            document["valid_until_ts"] = time - _DAY_MS
        case "text as time":
            document["valid_until_ts"] = str(time + _DAY_MS)
        case "fraction as time":
            document["valid_until_ts"] = time + _DAY_MS + 0.5
        case "negative time":
            document["valid_until_ts"] = -_FAR
        case "other name":
            document["server_name"] = "127.66.200.1:8448"
        case "10 MB":
            document["padding"] = "x" * 10_000_000
        case "many keys":
            # Fewer bytes than are read, the true key after all others.
            others = {f"ed25519:{number}": {"key": key.public} for number in range(700)}
            document["verify_keys"] = others | document["verify_keys"]
    signer = ServerKey("127.66.200.1:8448") if lie == "other key" else key
    if lie != "unsigned":
        document["signatures"] = {name: {key.id: signer.sign(document)}}
    return canonical_json(document) if lie != "10 MB" else json.dumps(document).encode()


IS_BELIEVED = {"good": True, "far future": True, "many keys": None}
"""Lies after which requests count as signed; `None`: either is right. All others must not."""
