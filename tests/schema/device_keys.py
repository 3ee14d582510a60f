"""Keys for end-to-end encryption, well formed and signed, as a client uploads them."""

from fake_server.events import Key, base64_of

_ALGORITHMS = ["m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"]


class DeviceKeys:
    """The keys of one device and the cross-signing keys of its owner."""

    def __init__(self, user_id, device_id):
        self._user_id = user_id
        self._device_id = device_id
        self._device = Key(device_id)
        self._cross_signing = {use: Key(use) for use in ("master", "self_signing", "user_signing")}

    @property
    def device(self):
        """The identity keys, signed by themselves."""
        keys = {
            f"curve25519:{self._device_id}": base64_of(b"c" * 32),
            self._device.id: self._device.public,
        }
        document = {
            "user_id": self._user_id,
            "device_id": self._device_id,
            "algorithms": _ALGORITHMS,
            "keys": keys,
        }
        return self._signed(document, self._device)

    @property
    def upload(self):
        """The body of an upload: identity keys, one-time keys, a fallback key."""
        one_time = {f"signed_curve25519:{name}": self._one_time_key(name) for name in ("A", "B")}
        fallback = {"signed_curve25519:F": self._one_time_key("F", fallback=True)}
        return {
            "device_keys": self.device,
            "one_time_keys": one_time,
            "fallback_keys": fallback,
        }

    @property
    def cross_signing(self):
        """The body of an upload of the cross-signing keys, without authentication."""
        master = self._cross_signing["master"]
        body = {"master_key": self._cross_signing_key("master")}
        for use in ("self_signing", "user_signing"):
            body[f"{use}_key"] = self._signed(self._cross_signing_key(use), master)
        return body

    @property
    def signatures(self):
        """The body of an upload of signatures: the owner vouches for the device."""
        signed = self._signed(self.device, self._cross_signing["self_signing"])
        return {self._user_id: {self._device_id: signed}}

    def _cross_signing_key(self, use):
        public = self._cross_signing[use].public
        return {"user_id": self._user_id, "usage": [use], "keys": {f"ed25519:{public}": public}}

    def _one_time_key(self, name, **extra):
        key = {"key": base64_of(name.encode() * 32), **extra}
        return self._signed(key, self._device)

    def _signed(self, document, key):
        """Cross-signing keys are named by themselves, device keys by the device."""
        bare = {name: value for name, value in document.items() if name != "signatures"}
        is_cross_signing = key in self._cross_signing.values()
        name = f"ed25519:{key.public}" if is_cross_signing else key.id
        signatures = {**document.get("signatures", {})}
        signatures[self._user_id] = {**signatures.get(self._user_id, {}), name: key.sign(bare)}
        return {**document, "signatures": signatures}
