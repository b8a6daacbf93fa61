"""Requests to an endpoint: its address, its key or token, one request by header or as the traffic falls."""

from __future__ import annotations

import threading
import uuid
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

from deploy.platforms.azure.endpoints import Endpoints
from deploy.platforms.azure.faults import NotThere
from deploy.platforms.protocol import Address, Reply
from ml.fault import Fault
from ml.serving.collection import PROBE

ANSWER_SECONDS = 70.0
UNAUTHORISED = 401


@dataclass
class Invoker:
    """Asks endpoints; an address is read once, and again where its key is not taken any more."""

    endpoints: Endpoints
    _known: dict[str, Address] = field(default_factory=dict)
    _own: threading.local = field(default_factory=threading.local)

    def address(self, problem: str) -> Address:
        """Where the endpoint is asked.

        Raises:
            Fault: there is no such endpoint, or no right to its keys.
        """
        if problem not in self._known:
            self._known[problem] = self._read(problem)
        return self._known[problem]

    def invoke(
        self, problem: str, body: bytes, deployment: str | None = None, seconds: float = ANSWER_SECONDS
    ) -> Reply:
        """One request; the header of a deployment goes with this request only. 504 where no answer comes in time.

        Raises:
            Fault: the endpoint does not answer.
        """
        reply = self._ask(self.address(problem), body, deployment, seconds)
        if reply.status == UNAUTHORISED and problem in self._known:
            del self._known[problem]  # keys are regenerated, tokens end
            reply = self._ask(self.address(problem), body, deployment, seconds)
        return _as_model_answered(reply)

    def _read(self, problem: str) -> Address:
        name, outputs = self.endpoints.azure_name(problem), self.endpoints.sdk.outputs
        try:
            entity = self.endpoints.read(problem)
        except NotThere:
            raise self.endpoints.absent(problem) from None
        keys = self.endpoints.sdk.call(
            f"read the keys of {name}", lambda client: client.online_endpoints.get_keys(name)
        )
        by_key = hasattr(keys, "primary_key")
        command = (
            f"az ml online-endpoint get-credentials --name {name} --resource-group {outputs.resource_group}"
            f" --workspace-name {outputs.workspace_name} --query {'primaryKey' if by_key else 'accessToken'} -o tsv"
        )
        return Address(entity.scoring_uri, keys.primary_key if by_key else keys.access_token, command)

    def _ask(self, address: Address, body: bytes, deployment: str | None, seconds: float) -> Reply:
        headers = {"Authorization": f"Bearer {address.key}", "Content-Type": "application/json"}
        if deployment is not None:
            headers["azureml-model-deployment"] = deployment
            headers["x-request-id"] = f"{PROBE}{uuid.uuid4().hex}"
        for attempt in (1, 2):
            connection = self._connection(address, seconds)
            try:
                connection.request("POST", urlsplit(address.url).path, body, headers)
                answer = connection.getresponse()
                return Reply(answer.status, dict(answer.getheaders()), answer.read())
            except TimeoutError:
                self._own.connections.pop(address.url, None)
                connection.close()
                return Reply(504, {}, b"")
            except (OSError, HTTPException) as error:
                self._own.connections.pop(address.url, None)
                connection.close()
                if attempt == 2:  # a connection that was kept may have been closed by the other side
                    remedy = "`mlops status --platform azure` shows how it is"
                    raise Fault(f"the endpoint does not answer: {error}", address.url, remedy) from None
        raise AssertionError

    def _connection(self, address: Address, seconds: float) -> Any:
        """This thread's own, kept open: a new one costs as much as the answer."""
        if not hasattr(self._own, "connections"):
            self._own.connections = {}
        if address.url not in self._own.connections:
            parts = urlsplit(address.url)
            make = HTTPSConnection if parts.scheme == "https" else HTTPConnection
            self._own.connections[address.url] = make(parts.netloc)
        connection = self._own.connections[address.url]
        connection.timeout = seconds
        if connection.sock is not None:
            connection.sock.settimeout(seconds)
        return connection


def _as_model_answered(reply: Reply) -> Reply:
    """Managed endpoints answer 424 for all that the model does not answer with 200; its own status is in a header."""
    told = {name.lower(): value for name, value in reply.headers.items()}.get("ms-azureml-model-error-statuscode", "")
    return Reply(int(told), reply.headers, reply.body) if reply.status == 424 and told.isdigit() else reply
