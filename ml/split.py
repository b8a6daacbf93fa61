"""Which rows judge where no time says so: those that a hash of their key picks, for ever the same."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from ml.problem import Columns

LEVEL_BYTES = 16


def row_keys(rows: pa.Table, columns: Columns) -> list[str]:
    """What names each row: its id or, without an id column, a hash of its features.

    The hash does not depend on the order of the features or of the rows, nor on any library's way to
    write a number: values go in as their bytes, and 0.0 equals -0.0.
    """
    if columns.id:
        return [str(value) for value in rows.column(columns.id).to_pylist()]
    names = sorted(columns.features)
    matrix = np.concatenate([_bytes_of(rows.column(name)) for name in names], axis=1)
    width, content = matrix.shape[1], matrix.tobytes()
    start = blake2b("\x00".join(names).encode(), digest_size=16)
    keys = []
    for place in range(0, len(content), width):
        state = start.copy()
        state.update(content[place : place + width])
        keys.append(state.hexdigest())
    return keys


def _bytes_of(column: pa.ChunkedArray) -> NDArray[np.uint8]:
    """A typed column as bytes of fixed width, shape (rows, width)."""
    if pa.types.is_string(column.type):
        return _bytes_of_texts(column)
    present = np.asarray(column.is_valid().to_numpy()).astype(np.uint8)[:, None]
    kind, empty = (pa.float64(), 0.0) if pa.types.is_floating(column.type) else (pa.int64(), 0)
    values = np.asarray(column.cast(kind).fill_null(empty).to_numpy()) + empty  # -0.0 + 0.0 is 0.0
    little_endian = np.ascontiguousarray(values.astype(values.dtype.newbyteorder("<")))
    return np.concatenate([present, little_endian.view(np.uint8).reshape(len(values), 8)], axis=1)


def _bytes_of_texts(column: pa.ChunkedArray) -> NDArray[np.uint8]:
    """Each level by its hash, so that texts of any length have one width; missing is all zeros."""
    encoded = column.combine_chunks().dictionary_encode()
    levels = [blake2b(text.encode(), digest_size=LEVEL_BYTES).digest() for text in encoded.dictionary.to_pylist()]
    hashes = np.frombuffer(b"".join((bytes(LEVEL_BYTES), *levels)), dtype=np.uint8).reshape(-1, LEVEL_BYTES)
    return np.take(hashes, np.asarray(encoded.indices.fill_null(-1).to_numpy()) + 1, axis=0)


def held_out(keys: Sequence[str], share: float, salt: int) -> NDArray[np.bool_]:
    """Which rows judge: those whose key, hashed with the salt, falls into the first `share` of all hashes.

    Args:
        keys: of each row; rows of one group have the same and so stay together.
        share: of the rows, between 0 and 1; the share of the groups where rows are grouped.
        salt: another salt holds out other rows.

    Returns:
        An array of shape (rows,).
    """
    prefix = f"{salt}:"
    places = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    digests = b"".join([blake2b((prefix + key).encode(), digest_size=8).digest() for key in places])
    below = np.frombuffer(digests, dtype=">u8").astype(np.float64) / 2.0**64 < share
    return below[[places[key] for key in keys]]
