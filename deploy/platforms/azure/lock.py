"""One release at a time for an endpoint: a lease on a blob of the stack's storage, renewed while it is held."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from deploy.exit_codes import INTERRUPTED
from deploy.platforms.azure.faults import NotThere
from deploy.platforms.azure.sdk import Sdk
from deploy.platforms.protocol import Held
from ml.fault import Fault

CONTAINER = "mlops"
LEASE_SECONDS, RENEW_SECONDS = 60, 20.0  # the service ends a lease that is not renewed: a killed release blocks no one


@dataclass
class Locks:
    """The leases that this process holds, by endpoint."""

    sdk: Sdk
    _lost: dict[str, str] = field(default_factory=dict)

    @contextlib.contextmanager
    def hold(self, endpoint: str) -> Iterator[None]:
        """Holds the endpoint's lock.

        Raises:
            Fault: another release holds it, or there are no rights on the storage account.
        """
        lease = self._acquire(endpoint)
        over = threading.Event()
        keeper = threading.Thread(target=self._keep, args=(endpoint, lease, over), daemon=True)
        keeper.start()
        try:
            yield
        finally:
            over.set()
            keeper.join(1.0)
            self._lost.pop(endpoint, None)
            with contextlib.suppress(Exception):  # it ends by itself
                lease.release()

    def check(self, endpoint: str) -> None:
        """Before a write: a lock that could not be renewed may be another's by now.

        Raises:
            Fault: it was lost.
        """
        if endpoint in self._lost:
            message = f"the lock of this release was lost: {self._lost[endpoint]}"
            raise Fault(message, endpoint, "the same command goes on", INTERRUPTED)

    def _acquire(self, endpoint: str) -> Any:
        from azure.core.exceptions import ResourceExistsError

        name = f"{self.sdk.outputs.stack}/locks/{endpoint}"

        def lease(storage: Any) -> Any:
            blob = storage.get_blob_client(CONTAINER, name)
            try:
                return blob.acquire_lease(LEASE_SECONDS)
            except ResourceExistsError:  # 409: a lease is there
                raise Held(endpoint, f"; a killed one's lock ends after {LEASE_SECONDS} s") from None

        def make(storage: Any) -> None:
            with contextlib.suppress(ResourceExistsError):
                storage.create_container(CONTAINER)
            with contextlib.suppress(ResourceExistsError):
                storage.get_blob_client(CONTAINER, name).upload_blob(b"", overwrite=False)

        doing, of, client = f"lock the endpoint {endpoint}", "the storage account", lambda: self.sdk.storage
        try:
            return self.sdk.call(doing, lease, of, client)
        except NotThere:
            self.sdk.call(doing, make, of, client)
            return self.sdk.call(doing, lease, of, client)

    def _keep(self, endpoint: str, lease: Any, over: threading.Event) -> None:
        while not over.wait(RENEW_SECONDS):
            try:
                lease.renew()
            except Exception as error:
                self._lost[endpoint] = " ".join(str(error).split())[:120]
                return
