"""The digest of typed rows: of what they say, not of the file or the chunks that they lie in."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def digest(rows: pa.Table) -> str:
    """The sha256 (hexadecimal) of the columns' names, types and values, in their order."""
    whole = sha256()
    for field in rows.schema:
        shape, content = sha256(), sha256()
        for chunk in rows.column(field.name).chunks:
            shape.update(_shape(chunk))
            content.update(_content(chunk))
        whole.update(f"{field.name}\0{field.type}\0{rows.num_rows}\0".encode())
        whole.update(shape.digest() + content.digest())
    return whole.hexdigest()


def _shape(chunk: pa.Array) -> bytes:
    """The length of each text, or whether there is a value."""
    if pa.types.is_string(chunk.type):
        return np.asarray(pc.binary_length(chunk).fill_null(-1)).astype("<i4").tobytes()
    return np.asarray(chunk.is_valid().cast(pa.uint8())).tobytes()


def _content(chunk: pa.Array) -> bytes:
    if pa.types.is_string(chunk.type):
        return "".join(text for text in chunk.to_pylist() if text is not None).encode()
    if pa.types.is_floating(chunk.type):
        return np.asarray(chunk.fill_null(0.0)).astype("<f8").tobytes()
    return np.asarray(chunk.cast(pa.int64()).fill_null(0)).astype("<i8").tobytes()
