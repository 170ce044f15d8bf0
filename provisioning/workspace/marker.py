"""A scope's marker: the secret whose key says which set owns the scope, and whose value remembers what we wrote.

For each key it holds an HMAC-SHA256 of the value we put, under a random salt, and the time of our write. Whoever
may read the marker may read the values themselves, so it gives nothing away; and it lets the next run tell
whether a value differs without fetching it. Beside them stand the fingerprints of what is about to be put, and a digest
of the rights that the configs declared: it tells rights that somebody changed from rights that the configs no longer
declare.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from provisioning.model.workspace import Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic import SecretStr

_FORMAT = 1
_SALT_BYTES = 16
_WRITER_BYTES = 8


@dataclass(frozen=True)
class Record:
    """What is remembered of a secret that we put.

    Attributes:
        fingerprint: the HMAC of its value, in hex.
        timestamp: `last_updated_timestamp` of our write, in milliseconds.
        version: the source's `version` at that time, if it had one.
    """

    fingerprint: str
    timestamp: int
    version: int | None = None


@dataclass(frozen=True)
class Marker:
    """A marker's value.

    Attributes:
        salt: hex; its own for each scope.
        records: by key.
        announced: by key, the fingerprint of a value that an apply was about to put and has not recorded. The key is
            ours; whether it holds that value cannot be told.
        grants: the digest of the rights that the configs declared when they were last written.
        writer: drawn anew by each write, so that whoever wrote it can tell that nobody has since.
    """

    salt: str = field(default_factory=lambda: secrets.token_hex(_SALT_BYTES), repr=False)
    records: Mapping[str, Record] = field(default_factory=dict)
    announced: Mapping[str, str] = field(default_factory=dict)
    grants: str | None = None
    writer: str = ""

    def fingerprint(self, value: SecretStr) -> str:
        """Return the fingerprint that a value has under this marker's salt."""
        return hmac.new(bytes.fromhex(self.salt), value.get_secret_value().encode(), hashlib.sha256).hexdigest()

    def last_word(self, key: str) -> str:
        """Return the fingerprint of what an apply last announced or recorded under a key; empty if none did."""
        record = self.records.get(key)
        return self.announced.get(key) or (record.fingerprint if record else "")

    def of(self, key: str) -> tuple[Record | None, str | None]:
        """Return what is remembered of a key."""
        return self.records.get(key), self.announced.get(key)

    def written(self) -> Marker:
        """Return it as a writer of its own writes it."""
        return replace(self, writer=secrets.token_hex(_WRITER_BYTES))

    def to_text(self) -> str:
        """Return what is stored as the secret's value."""
        keys = {
            key: {"fingerprint": record.fingerprint, "timestamp": record.timestamp, "version": record.version}
            for key, record in sorted(self.records.items())
        }
        content = {
            "format": _FORMAT,
            "salt": self.salt,
            "keys": keys,
            "announced": dict(sorted(self.announced.items())),
            "grants": self.grants,
            "writer": self.writer,
        }
        return json.dumps(content, separators=(",", ":"))


def parse_marker(text: str) -> Marker | None:
    """Read a marker's value; None if it is not one of ours, or of a format that we don't know."""
    try:
        content = json.loads(text)
        if content["format"] != _FORMAT:
            return None
        bytes.fromhex(content["salt"])
        records = {
            str(key): Record(
                fingerprint=str(each["fingerprint"]), timestamp=int(each["timestamp"]), version=each.get("version")
            )
            for key, each in content["keys"].items()
        }
        announced = {str(key): str(fingerprint) for key, fingerprint in content.get("announced", {}).items()}
        return Marker(
            salt=content["salt"],
            records=records,
            announced=announced,
            grants=content.get("grants"),
            writer=str(content.get("writer", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def judge(
    marker: Marker | None, key: str, *, value: SecretStr | None, version: int | None, timestamp: int | None
) -> Verdict:
    """Say whether a secret's live value is the one that its source holds.

    Args:
        marker: the scope's marker; None if it cannot be read.
        key: the secret's key.
        value: what its source holds; None if that was not read or is nothing.
        version: the source's `version`, which stands for a new value when it is raised.
        timestamp: when the live value was written, in milliseconds; None if there is none.
    """
    if timestamp is None:
        return Verdict.ABSENT
    if value is None:
        return Verdict.NOT_CHECKED
    if marker is None:
        return Verdict.UNKNOWN
    record = marker.records.get(key)
    if record is None:
        return Verdict.CHANGED_OUTSIDE if key in marker.announced else Verdict.UNRECORDED
    if not hmac.compare_digest(record.fingerprint, marker.fingerprint(value)):
        return Verdict.DIFFERS
    if record.timestamp != timestamp:
        return Verdict.CHANGED_OUTSIDE
    if version is not None and version > (record.version or 0):
        return Verdict.DIFFERS
    return Verdict.SAME
