"""Which nodes learn together: they meet at the first one's address and tell each other where they listen."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml.fault import Fault

MEET_WITHIN_SECONDS = 600.0  # nodes of a cluster that scales from zero do not come up at once
TRY_AGAIN_SECONDS = 0.2
PORTS = range(12400, 12500)


@dataclass(frozen=True)
class Nodes:
    """The nodes of one job, as one of them sees them.

    Attributes:
        rank: this node's number, from 0.
        machines: where each listens, `address:port`, in the order of their ranks.
    """

    rank: int
    machines: tuple[str, ...]

    @property
    def port(self) -> int:
        """Where this node listens."""
        return int(self.machines[self.rank].rsplit(":", 1)[1])


def rank(environment: Mapping[str, str]) -> int:
    """This node's number, from 0; the first one writes the step's outputs."""
    return int(environment.get("RANK", "0"))


def count(environment: Mapping[str, str]) -> int:
    """How many nodes work on this step."""
    return int(environment.get("WORLD_SIZE", "1"))


def meet(environment: Mapping[str, str], within: float = MEET_WITHIN_SECONDS) -> Nodes | None:
    """Waits until all nodes are there; None where there is one only.

    Azure ML's distribution `pytorch` says who is first: MASTER_ADDR and MASTER_PORT, and RANK and WORLD_SIZE.
    A node's address is the one under which the first node sees it.

    Raises:
        Fault: not all came in time.
    """
    nodes, own = count(environment), rank(environment)
    if nodes == 1:
        return None
    place = (environment["MASTER_ADDR"], int(environment["MASTER_PORT"]))
    deadline = time.monotonic() + within
    with _held() as holding:  # until all have met, so that no other node on this machine takes the port
        port = holding.getsockname()[1]
        try:
            machines = _gather(place, nodes, port, deadline) if own == 0 else _join(place, own, port, deadline)
        except (OSError, ValueError) as error:
            message = f"node {own} of {nodes} did not meet the others within {within:.0f} s: {error}"
            raise Fault(
                message, f"{place[0]}:{place[1]}", "see the other nodes' logs; do they reach each other?"
            ) from None
    return Nodes(own, machines)


def _held() -> socket.socket:
    """Holds a port of LightGBM's usual ones, below those that the system gives to whoever asks for any.

    It does not listen: a node that is quicker is refused, and tries again until LightGBM listens here.
    """
    for port in PORTS:
        holding = socket.socket()
        try:
            holding.bind(("", port))
        except OSError:
            holding.close()
        else:
            return holding
    raise Fault(f"the ports {PORTS[0]} to {PORTS[-1]} are all taken", "node", "end what listens there")


def _gather(place: tuple[str, int], nodes: int, port: int, deadline: float) -> tuple[str, ...]:
    """The first node: hears of all the others, then tells each of them everything."""
    listening: dict[int, str] = {}
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("", place[1]), backlog=nodes))
        others = []
        while len(listening) < nodes - 1:
            server.settimeout(max(0.01, deadline - time.monotonic()))
            other, address = server.accept()
            others.append(stack.enter_context(other))
            said = _hear(other)
            listening[said["rank"]] = f"{address[0]}:{said['port']}"
        own = others[0].getsockname()[0]
        machines = (f"{own}:{port}", *(listening[number] for number in sorted(listening)))
        for other in others:
            other.sendall(json.dumps(machines).encode() + b"\n")
    return machines


def _hear(other: socket.socket) -> Any:
    with other.makefile("r", encoding="ascii") as lines:
        return json.loads(lines.readline())


def _join(place: tuple[str, int], own: int, port: int, deadline: float) -> tuple[str, ...]:
    while True:
        try:
            first = socket.create_connection(place, timeout=max(0.01, deadline - time.monotonic()))
            break
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(TRY_AGAIN_SECONDS)
    with first:
        first.sendall(json.dumps({"rank": own, "port": port}).encode() + b"\n")
        return tuple(_hear(first))
