"""The stand-in's blob storage: containers, block blobs, metadata, leases."""

from __future__ import annotations

import datetime as dt
import hashlib
import secrets
import threading
import time
import uuid
from dataclasses import dataclass, field
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

from tests.stand_in.server import Answer, Asked, Server


@dataclass
class Lease:
    """Who alone may write a blob, until when (of the monotonic clock)."""

    id: str
    seconds: int
    until: float

    @property
    def over(self) -> bool:
        return time.monotonic() >= self.until


@dataclass
class Blob:
    """One block blob."""

    content: bytes = b""
    metadata: dict[str, str] = field(default_factory=dict)
    modified: dt.datetime = field(default_factory=lambda: dt.datetime.now(dt.UTC))
    etag: str = field(default_factory=lambda: f'"{uuid.uuid4().hex}"')
    lease: Lease | None = None
    kind: str = "application/octet-stream"


class Blobs:
    """Every account's containers, kept in memory."""

    def __init__(self, server: Server, account: str) -> None:
        self.server, self.account = server, account
        self.containers: dict[str, dict[str, Blob]] = {}
        self._blocks: dict[tuple[str, str], dict[str, bytes]] = {}
        self._lock = threading.RLock()
        for method in ("GET", "HEAD", "PUT", "DELETE"):
            server.route(method, f"/{account}/{{container}}", self._container, token=False)
            server.route(method, f"/{account}/{{container}}/{{blob*}}", self._blob, token=False)

    @property
    def url(self) -> str:
        return f"{self.server.url}/{self.account}"

    # What the other parts of the stand-in use.
    def put(self, container: str, name: str, content: bytes, **metadata: str) -> None:
        self.containers.setdefault(container, {})[name] = Blob(content, dict(metadata))

    def get(self, container: str, name: str) -> bytes:
        return self.containers[container][name].content

    def list(self, container: str, prefix: str = "") -> list[str]:
        return sorted(name for name in self.containers.get(container, {}) if name.startswith(prefix))

    def download(self, container: str, prefix: str, folder: Path) -> Path:
        """The blobs below a prefix as files below a folder."""
        prefix = prefix.strip("/")
        for name in self.list(container, prefix):
            rest = name.removeprefix(prefix).strip("/")
            path = folder / (rest or Path(name).name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.get(container, name))
        return folder

    def upload(self, container: str, prefix: str, folder: Path) -> None:
        """The files below a folder as blobs below a prefix."""
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            self.put(container, f"{prefix.strip('/')}/{path.relative_to(folder).as_posix()}", path.read_bytes())

    # HTTP
    def _container(self, asked: Asked, container: str) -> Answer:
        if not _allowed(asked):
            return _refusal(401, "NoAuthenticationInformation")
        with self._lock:
            if asked.method == "PUT":
                if container in self.containers:
                    return _refusal(409, "ContainerAlreadyExists")
                self.containers[container] = {}
                return Answer(201)
            if container not in self.containers:
                return _refusal(404, "ContainerNotFound")
            if asked.query.get("comp") == "list":
                return self._listing(asked, container)
            if asked.method == "DELETE":
                del self.containers[container]
                return Answer(202)
            return Answer(200, headers={"Last-Modified": _date(dt.datetime.now(dt.UTC)), "ETag": '"0x1"'})

    def _listing(self, asked: Asked, container: str) -> Answer:
        prefix, delimiter = asked.query.get("prefix", ""), asked.query.get("delimiter")
        entries, folders = [], {}
        for name in self.list(container, prefix):
            rest = name.removeprefix(prefix)
            if delimiter and delimiter in rest:
                folders[prefix + rest.split(delimiter)[0] + delimiter] = None
                continue
            blob = self.containers[container][name]
            kept = "".join(f"<{k}>{escape(v)}</{k}>" for k, v in blob.metadata.items())
            entries.append(
                f"<Blob><Name>{escape(name)}</Name><Properties><Creation-Time>{_date(blob.modified)}</Creation-Time>"
                f"<Last-Modified>{_date(blob.modified)}</Last-Modified><Etag>{escape(blob.etag)}</Etag>"
                f"<Content-Length>{len(blob.content)}</Content-Length><Content-Type>{blob.kind}</Content-Type>"
                f"<BlobType>BlockBlob</BlobType></Properties><Metadata>{kept}</Metadata></Blob>"
            )
        entries += [f"<BlobPrefix><Name>{escape(name)}</Name></BlobPrefix>" for name in folders]
        text = f"<Blobs>{''.join(entries)}</Blobs><NextMarker/>"
        text = f'<?xml version="1.0" encoding="utf-8"?><EnumerationResults>{text}</EnumerationResults>'
        return Answer(200, text.encode(), {"Content-Type": "application/xml"})

    def _blob(self, asked: Asked, container: str, blob: str) -> Answer:
        if not _allowed(asked):
            return _refusal(401, "NoAuthenticationInformation")
        with self._lock:
            if container not in self.containers:
                return _refusal(404, "ContainerNotFound")
            known = self.containers[container].get(blob)
            if asked.method == "PUT":
                return self._put(asked, container, blob, known)
            if known is None:
                return _refusal(404, "BlobNotFound")
            if asked.method == "DELETE":
                refusal = _locked_out(asked, known)
                if refusal is None:
                    del self.containers[container][blob]
                return refusal or Answer(202)
            return _read(asked, known)

    def _put(self, asked: Asked, container: str, name: str, known: Blob | None) -> Answer:  # noqa: C901 - a table
        comp = asked.query.get("comp")
        if comp == "lease":
            return _lease(asked, known)
        if known and (refusal := _locked_out(asked, known)):
            return refusal
        if comp == "metadata":
            if known is None:
                return _refusal(404, "BlobNotFound")
            known.metadata = _metadata(asked)
            return _written(known, 200)
        if comp == "appendblock":
            return _append(asked, known)
        if comp == "block":
            self._blocks.setdefault((container, name), {})[asked.query["blockid"]] = asked.body
            return Answer(201)
        if known and asked.headers.get("if-none-match") == "*":
            return _refusal(409, "BlobAlreadyExists")
        content = self._content(asked, container, name)
        if content is None:
            return _refusal(404, "CannotVerifyCopySource")
        kind = asked.headers.get("x-ms-blob-content-type", "application/octet-stream")
        blob = Blob(content, _metadata(asked), lease=known.lease if known else None, kind=kind)
        self.containers[container][name] = blob
        copied = {"x-ms-copy-id": uuid.uuid4().hex, "x-ms-copy-status": "success"}
        return _written(blob, 202, copied) if "x-ms-copy-source" in asked.headers else _written(blob, 201)

    def _content(self, asked: Asked, container: str, name: str) -> bytes | None:
        if asked.query.get("comp") == "blocklist":
            blocks = self._blocks.pop((container, name), {})
            ids = asked.body.decode().split("<Latest>")[1:]
            return b"".join(blocks[block.split("</Latest>")[0]] for block in ids)
        source = asked.headers.get("x-ms-copy-source")
        if source is None:
            return asked.body
        _, _, other, rest = unquote(urlsplit(source).path).split("/", 3)
        found = self.containers.get(other, {}).get(rest)
        return found.content if found else None


def _append(asked: Asked, blob: Blob | None) -> Answer:
    """A block at the end of an append blob, where the blob is as long as the caller thinks."""
    if blob is None:
        return _refusal(404, "BlobNotFound")
    if len(asked.body) > 4 * 2**20:
        return _refusal(413, "RequestBodyTooLarge")
    expected = asked.headers.get("x-ms-blob-condition-appendpos")
    if expected is not None and int(expected) != len(blob.content):
        return _refusal(412, "AppendPositionConditionNotMet")
    blob.content += asked.body
    return _written(blob, 201)


def _allowed(asked: Asked) -> bool:
    """A token, a key's signature or a shared access signature; what it allows is not looked at."""
    return "authorization" in asked.headers or "sig" in asked.query


def _refusal(status: int, code: str) -> Answer:
    text = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
    return Answer(status, text.encode(), {"x-ms-error-code": code, "Content-Type": "application/xml"})


def _date(moment: dt.datetime) -> str:
    return format_datetime(moment, usegmt=True)


def _metadata(asked: Asked) -> dict[str, str]:
    return {k.removeprefix("x-ms-meta-"): v for k, v in asked.headers.items() if k.startswith("x-ms-meta-")}


def _written(blob: Blob, status: int, more: dict[str, str] | None = None) -> Answer:
    return Answer(status, headers={"ETag": blob.etag, "Last-Modified": _date(blob.modified), **(more or {})})


def _locked_out(asked: Asked, blob: Blob) -> Answer | None:
    lease = blob.lease
    if lease is None or lease.over or asked.headers.get("x-ms-lease-id") == lease.id:
        return None
    missing = "x-ms-lease-id" not in asked.headers
    return _refusal(412, "LeaseIdMissing" if missing else "LeaseIdMismatchWithBlobOperation")


def _read(asked: Asked, blob: Blob) -> Answer:
    headers = {
        "ETag": blob.etag,
        "Last-Modified": _date(blob.modified),
        "Content-Type": blob.kind,
        "Accept-Ranges": "bytes",
        "x-ms-blob-type": "BlockBlob",
        "x-ms-creation-time": _date(blob.modified),
        "x-ms-lease-state": "leased" if blob.lease and not blob.lease.over else "available",
        **{f"x-ms-meta-{k}": v for k, v in blob.metadata.items()},
    }
    if asked.method == "HEAD":
        return Answer(200, None, {**headers, "Content-Length": str(len(blob.content))})
    wanted = asked.headers.get("x-ms-range") or asked.headers.get("range")
    if wanted is None:
        md5 = hashlib.md5(blob.content, usedforsecurity=False).hexdigest()
        return Answer(200, blob.content, {**headers, "x-ms-stand-in-md5": md5})
    first, _, last = wanted.removeprefix("bytes=").partition("-")
    part = blob.content[int(first) : int(last) + 1 if last else None]
    if not part:
        return _refusal(416, "InvalidRange")
    place = f"bytes {first}-{int(first) + len(part) - 1}/{len(blob.content)}"
    return Answer(206, part, {**headers, "Content-Range": place})


def _lease(asked: Asked, blob: Blob | None) -> Answer:
    if blob is None:
        return _refusal(404, "BlobNotFound")
    action, given = asked.headers["x-ms-lease-action"], asked.headers.get("x-ms-lease-id")
    held = blob.lease if blob.lease and not blob.lease.over else None
    if action == "acquire":
        if held and asked.headers.get("x-ms-proposed-lease-id") != held.id:
            return _refusal(409, "LeaseAlreadyPresent")
        seconds = int(asked.headers["x-ms-lease-duration"])
        if not (seconds == -1 or 15 <= seconds <= 60):
            return _refusal(400, "InvalidHeaderValue")
        number = asked.headers.get("x-ms-proposed-lease-id") or str(uuid.UUID(bytes=secrets.token_bytes(16)))
        blob.lease = Lease(number, seconds, time.monotonic() + (seconds if seconds > 0 else 1e9))
        return _written(blob, 201, {"x-ms-lease-id": number})
    if action == "break":
        blob.lease = None
        return _written(blob, 202, {"x-ms-lease-time": "0"})
    if blob.lease is None or blob.lease.id != given:
        return _refusal(409, "LeaseIdMismatchWithLeaseOperation")
    if action == "renew":
        blob.lease.until = time.monotonic() + blob.lease.seconds
        return _written(blob, 200, {"x-ms-lease-id": str(given)})
    blob.lease = None
    return _written(blob, 200)
