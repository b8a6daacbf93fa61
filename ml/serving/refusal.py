"""How a request is refused: an RFC 9457 problem document with JSON pointers into the body."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice

import msgspec

MOST_ERRORS = 20
LONGEST_PART = 100

Place = tuple[str | int, ...]
Headers = tuple[tuple[bytes, bytes], ...]


@dataclass(frozen=True)
class Flaw:
    """One fault of a body.

    Attributes:
        place: the members and positions that lead to it from the body's root.
        detail: what is wrong; never the value itself, which may be private.
    """

    place: Place
    detail: str

    @property
    def pointer(self) -> str:
        """The place as a JSON pointer (RFC 6901); it ends before a name that is too long to repeat."""
        parts = []
        for part in map(str, self.place):
            if len(part) > LONGEST_PART:
                break
            parts.append("/" + part.replace("~", "~0").replace("/", "~1"))
        return "".join(parts)


class Refusal(Exception):
    """A request that is not answered.

    Attributes:
        status: the HTTP status.
        detail: one sentence on the whole.
        flaws: the faults with their places, at most `MOST_ERRORS`.
        headers: what the status asks for in the answer's head.
    """

    def __init__(self, status: int, detail: str, flaws: Iterable[Flaw] = (), headers: Headers = ()) -> None:
        super().__init__(detail)
        self.status, self.detail, self.headers = status, detail, headers
        self.flaws = tuple(islice(flaws, MOST_ERRORS))

    def document(self) -> bytes:
        """The problem document."""
        members = {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
        }
        if not self.flaws:
            return msgspec.json.encode(members)
        errors = [{"pointer": flaw.pointer, "detail": flaw.detail} for flaw in self.flaws]
        return msgspec.json.encode({**members, "errors": errors})


def misfit(flaws: Iterable[Flaw]) -> Refusal:
    """The refusal of a well-formed body that does not fit the model."""
    return Refusal(422, f"the request does not fit the model (at most {MOST_ERRORS} faults are told)", flaws)


def too_large(most: int) -> Refusal:
    """The refusal of a body of more than `most` bytes."""
    return Refusal(413, f"the body is larger than {most} bytes; send the rows in parts")
