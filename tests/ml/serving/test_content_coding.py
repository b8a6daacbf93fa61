"""Compressed bodies, made by gzip and zlib themselves."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.serving.content_coding import decoded
from ml.serving.refusal import Refusal

MOST = 2**20
BODY = json.dumps({"inputs": [{"size": k, "name": f"n{k * 7919}"} for k in range(20_000)]}).encode()


def raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


PACKED = {"gzip": gzip.compress, "deflate": zlib.compress, "DEFLATE ": raw_deflate, "x-gzip": gzip.compress}


@pytest.mark.parametrize("coding", PACKED)
@pytest.mark.parametrize("body", [b"", b"{}", BODY])
def test_what_was_packed_comes_back(coding: str, body: bytes) -> None:
    assert decoded(PACKED[coding](body), coding.encode(), MOST) == body


def test_members_of_gzip_are_joined() -> None:
    assert decoded(gzip.compress(b"[1,") + gzip.compress(b"2]"), b"gzip", MOST) == b"[1,2]"


@pytest.mark.parametrize("coding", PACKED)
def test_a_bomb_is_413_and_one_at_the_limit_is_taken(coding: str) -> None:
    pack, named = PACKED[coding], coding.encode()
    assert len(decoded(pack(bytes(MOST)), named, MOST)) == MOST
    with pytest.raises(Refusal) as refused:
        decoded(pack(bytes(50 * MOST)), named, MOST)
    assert refused.value.status == 413
    assert str(MOST) in refused.value.detail


def test_a_bomb_of_many_members_is_413() -> None:
    with pytest.raises(Refusal) as refused:
        decoded(gzip.compress(bytes(MOST // 2)) * 3, b"gzip", MOST)
    assert refused.value.status == 413


@given(st.sampled_from(sorted(PACKED)), st.integers(0, 10**9))
def test_a_body_that_breaks_off_says_at_which_byte(coding: str, cut: int) -> None:
    whole = PACKED[coding](BODY)
    part = whole[: cut % len(whole)]
    with pytest.raises(Refusal) as refused:
        decoded(part, coding.encode(), MOST)
    assert refused.value.status == 400
    assert refused.value.detail.endswith(f"it ends too early, at byte {len(part)}")


@pytest.mark.parametrize(
    ("coding", "body", "told"),
    [
        ("gzip", b"{}", "not gzip, as its Content-Encoding says: incorrect header check, at byte 1"),
        ("deflate", b"{}", "not deflate, as its Content-Encoding says: it ends too early, at byte 2"),
        ("deflate", gzip.compress(b"{}", mtime=0), "not deflate"),
        ("gzip", zlib.compress(b"{}"), "incorrect header check, at byte 1"),
        ("gzip", gzip.compress(b"{}", mtime=0) + b"{}", "incorrect header check, at byte 23"),
        ("deflate", zlib.compress(b"{}") + b"{}", "something follows its end, at byte 10"),
    ],
)
def test_a_body_that_is_something_else_says_what_and_where(coding: str, body: bytes, told: str) -> None:
    with pytest.raises(Refusal) as refused:
        decoded(body, coding.encode(), MOST)
    assert refused.value.status == 400
    assert told in refused.value.detail


def test_the_byte_that_was_changed_is_told_by_the_checksum_at_the_latest() -> None:
    whole = bytearray(gzip.compress(BODY, compresslevel=0))
    whole[70_000] ^= 1
    with pytest.raises(Refusal, match="incorrect data check, at byte ") as refused:
        decoded(bytes(whole), b"gzip", MOST)
    assert len(whole) - 8 <= int(refused.value.detail.rpartition(" ")[2]) < len(whole)


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "", "x"])
def test_another_coding_is_415_and_says_which_are_taken(coding: str) -> None:
    with pytest.raises(Refusal) as refused:
        decoded(b"{}", coding.encode(), MOST)
    assert (refused.value.status, refused.value.headers) == (415, ((b"accept-encoding", b"gzip, deflate"),))


@pytest.mark.parametrize("coding", PACKED)
def test_the_server_answers_a_compressed_body_as_it_does_the_plain_one(
    server: Any, records: list[dict[str, Any]], coding: str
) -> None:
    for rows in (records[:1], records):
        plain = json.dumps({"inputs": rows}).encode()
        packed = server.score(PACKED[coding](plain), content_encoding=coding)
        assert (packed[0], packed[2]) == (200, server.score(plain)[2])


def test_the_server_refuses_by_problem_documents(server: Any) -> None:
    bomb = gzip.compress(bytes(64 * 2**20))
    for coding, body, status in (("gzip", b"{}", 400), ("gzip", bomb, 413), ("br", b"{}", 415)):
        answered, headers, document = server.score(body, content_encoding=coding)
        assert (answered, headers["content-type"], document["status"]) == (status, "application/problem+json", status)
        assert headers.get("accept-encoding") == ("gzip, deflate" if status == 415 else None)
    assert "accept-encoding" not in server.score(b"{}", content_type="text/plain")[1]
