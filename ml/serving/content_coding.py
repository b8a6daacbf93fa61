"""A body as it was before the client compressed it."""

from __future__ import annotations

import zlib

from ml.serving.refusal import Refusal, too_large

GZIP, WRAPPED, RAW = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS
NAMES = {b"gzip": "gzip", b"x-gzip": "gzip", b"deflate": "deflate"}
PIECE = 2**16


def decoded(body: bytes, coding: bytes, most: int) -> bytes:
    """The body before `coding`, the value of its header Content-Encoding, was applied (RFC 9110, 8.4).

    Args:
        body: as it came.
        coding: gzip or deflate, in any case; the latter with or without zlib's frame, as clients do.
        most: bytes that it may become; no more than one beyond that is unpacked.

    Raises:
        Refusal: 415 for another coding, 400 with the byte from which on the body is not what the header
            says, 413 where it becomes larger than `most`.
    """
    name = NAMES.get(coding.strip().lower())
    if name is None:
        accepted = ((b"accept-encoding", b"gzip, deflate"),)
        raise Refusal(415, "the content encoding must be gzip, deflate or none", headers=accepted)
    unpacked = bytearray()
    at = _unpack_member(body, 0, name, unpacked, most)
    while at < len(body):  # gzip may be several members on end (RFC 1952, 2.2)
        if name == "deflate":
            raise _mismatch(name, at, "something follows its end")
        at = _unpack_member(body, at, name, unpacked, most)
    return bytes(unpacked)


def _unpack_member(body: bytes, at: int, name: str, unpacked: bytearray, most: int) -> int:
    """Adds what the member at `at` holds to `unpacked`, and returns where the member ends."""
    member = zlib.decompressobj(_window(body, name))
    while not member.eof:
        piece = body[at : at + PIECE]
        if not piece:
            raise _mismatch(name, at, "it ends too early")
        before = member.copy()
        try:
            unpacked += member.decompress(piece, most - len(unpacked) + 1)
        except zlib.error as error:
            raise _mismatch(name, at + _good_bytes(before, piece), str(error).rpartition(": ")[2]) from None
        if len(unpacked) > most:
            raise too_large(most)
        at += len(piece) - len(member.unused_data)
    return at


def _window(body: bytes, name: str) -> int:
    """How zlib is told the frame; zlib's own begins with compression method 8 (RFC 1950, 2.2)."""
    if name == "gzip":
        return GZIP
    return WRAPPED if body[:1] and body[0] & 0x0F == 8 else RAW


def _good_bytes(member: zlib._Decompress, piece: bytes) -> int:
    """How many bytes of the piece are still what they should be."""
    for place in range(len(piece)):
        try:
            member.decompress(piece[place : place + 1])
        except zlib.error:
            return place
    return len(piece)


def _mismatch(name: str, at: int, reason: str) -> Refusal:
    return Refusal(400, f"the body is not {name}, as its Content-Encoding says: {reason}, at byte {at}")
