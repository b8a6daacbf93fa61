"""The one way to azure-ai-ml: its construction, its noise, its waiting, its errors."""

from __future__ import annotations

import importlib.util
import logging
import random
import threading
import time
import warnings
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from functools import cached_property
from types import SimpleNamespace
from typing import Any, TypeVar

from deploy.platforms.azure.credential import Kept, logged_in
from deploy.platforms.azure.faults import Busy, NotThere, as_fault
from deploy.platforms.azure.outputs import Outputs
from deploy.screen import Screen
from ml.fault import Fault

T = TypeVar("T")

POLL_SECONDS = 5.0
PATIENCE_SECONDS = 300.0  # how long another operation on the same thing, or a full service, is waited for
TOLD_AFTER_SECONDS = 10.0  # whoever looks on is told what is waited for, where it takes longer
OPERATION_SECONDS = 3600.0  # a first deployment builds its image
BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS = 1.0, 30.0
READ_SECONDS = 60.0  # of a log
# By request: 408, 429, 5xx and lost connections, with what the service says in Retry-After.
RETRIES: dict[str, Any] = {"retry_total": 6, "retry_backoff_factor": 0.8, "retry_backoff_max": 30}
# The same for blobs; the storage's own policy begins with fifteen seconds.
BLOB_RETRIES: dict[str, Any] = {"retry_total": 6, "initial_backoff": 1, "increment_base": 2, "random_jitter_range": 1}
QUIET = ("azure", "msrest", "msal")
LOG_ANALYTICS = {
    "AzureCloud": "https://api.loganalytics.io",
    "AzureChinaCloud": "https://api.loganalytics.azure.cn",
    "AzureUSGovernment": "https://api.loganalytics.us",
}


def check_installed() -> None:
    """Says how the SDK is installed where it is not.

    Raises:
        Fault: it is not.
    """
    try:
        found = importlib.util.find_spec("azure.ai.ml")
    except ModuleNotFoundError:
        found = None
    if found is None:
        raise Fault("the Azure SDK is not installed", "--platform azure", "make azure")


class Sdk:
    """The clients of one stack, one for each thread: the SDK changes a client's scope while it works."""

    def __init__(self, outputs: Outputs) -> None:
        self.outputs = outputs
        self._own = threading.local()
        for name in QUIET:  # what is imported later has its say through these
            logging.getLogger(name).setLevel(logging.CRITICAL)

    @cached_property
    def credential(self) -> Kept:
        """Whoever is logged in."""
        return logged_in()

    @property
    def workspace(self) -> Any:
        """The `MLClient` of the stack's workspace, this thread's own."""
        if not hasattr(self._own, "workspace"):
            self._own.workspace = self._client(workspace_name=self.outputs.workspace_name)
        return self._own.workspace

    @property
    def registry(self) -> Any:
        """The `MLClient` of the shared registry, this thread's own."""
        if not hasattr(self._own, "registry"):
            make = lambda client: self._client(registry_name=self.outputs.registry_name)  # noqa: E731
            doing = f"find the registry {self.outputs.registry_name}"
            self._own.registry = self.call(doing, make, of="the registry", client=lambda: None)
        return self._own.registry

    def call(
        self, doing: str, what: Callable[[Any], T], of: str = "the workspace", client: Callable[[], Any] | None = None
    ) -> T:
        """What the SDK answers; waits while the service is busy with something else.

        Args:
            doing: for the fault, as in `read the endpoint flight-delay`.
            what: is given the workspace's client.
            of: whose rights are needed (see `ROLES` of the faults).
            client: another client than the workspace's.

        Raises:
            NotThere: the service answers that there is no such thing.
            Fault: anything else that is wrong.
        """
        began, pause, told = time.monotonic(), BACKOFF_SECONDS, False
        deadline = began + PATIENCE_SECONDS
        while True:
            try:
                return what(client() if client else self.workspace)
            except Busy as busy:
                fault: Fault = busy
            except Exception as error:  # the SDK raises a dozen kinds, without a common one
                fault = as_fault(error, doing, self.outputs.resource_group, self.outputs.stack, of)
            if not isinstance(fault, Busy) or time.monotonic() + pause > deadline:
                raise self._checked(fault) from None
            if not told and time.monotonic() - began >= TOLD_AFTER_SECONDS:
                Screen().warn(f"{doing}: {fault.message.rstrip('.')}; asked again for up to {PATIENCE_SECONDS:.0f} s")
                told = True
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - spreads those who wait, guards nothing
            pause = min(2 * pause, LONGEST_BACKOFF_SECONDS)

    def wait(self, doing: str, begin: Callable[[Any], Any], of: str = "the workspace") -> Any:
        """Begins a long-running operation, waits for its end and returns what it made.

        Raises:
            HttpResponseError: the operation began, and failed; what that means its caller knows.
            Fault: it could not begin, or did not end in time.
        """
        from azure.core.exceptions import HttpResponseError

        poller = self.call(doing, begin, of)
        deadline = time.monotonic() + OPERATION_SECONDS
        while not poller.done():
            if time.monotonic() > deadline:
                raise Fault(
                    f"it has not ended after {OPERATION_SECONDS / 60:.0f} minutes", doing, "the same command goes on"
                )
            poller.wait(1.0)
        try:
            return poller.result()
        except HttpResponseError:
            raise
        except Exception as error:
            raise as_fault(error, doing, self.outputs.resource_group, self.outputs.stack, of) from None

    def finish(self, doing: str, begin: Callable[[Any], Any], of: str = "the workspace") -> Any:
        """The same for an operation whose failure is nothing that its caller could tell apart.

        Raises:
            Fault: it failed.
        """
        from azure.core.exceptions import HttpResponseError

        try:
            return self.wait(doing, begin, of)
        except HttpResponseError as error:
            raise as_fault(error, doing, self.outputs.resource_group, self.outputs.stack, of) from None

    @cached_property
    def location(self) -> str:
        """The workspace's region, which proves that there is a workspace."""
        client = self.workspace
        try:
            return str(client.workspaces.get(self.outputs.workspace_name).location)
        except Exception as error:
            fault = as_fault(error, "find the workspace", self.outputs.resource_group, self.outputs.stack)
            if isinstance(fault, NotThere):
                message = f"the workspace {self.outputs.workspace_name} is not there any more"
                raise Fault(message, self.outputs.stack, f"pulumi up --stack {self.outputs.stack}") from None
            raise fault from None

    def rest(
        self, doing: str, method: str, path: str, *, query: dict[str, str] | None = None, body: Any = None,
        of: str = "the metrics", logs: bool = False,
    ) -> Any:  # fmt: skip
        """What the SDK has no verb for: a call of Azure Resource Manager, or (`logs`) of Log Analytics.

        Raises:
            Fault: it is refused.
        """
        from azure.core.rest import HttpRequest

        def ask(client: Any) -> Any:
            response = client.send_request(HttpRequest(method, client.format_url(path), params=query, json=body))
            response.raise_for_status()
            return response.json()

        return self.call(doing, ask, of, lambda: self._logs if logs else self._arm)

    def listed(self, doing: str, path: str, query: dict[str, str], of: str) -> list[Any]:
        """All that a list of Azure Resource Manager holds: each page names the next one, whole with its query.

        Raises:
            Fault: it is refused.
        """
        from azure.core.paging import ItemPaged

        def page(link: str | None) -> Any:
            return self.rest(doing, "GET", link or path, query=None if link else query, of=of)

        return list(ItemPaged(page, lambda found: (found.get("nextLink") or None, found["value"])))

    def text(self, doing: str, url: str) -> str:
        """What lies at a URL that carries its own permission, as the logs of a job do.

        Raises:
            Fault: it is refused, or does not answer.
        """
        from azure.core import PipelineClient
        from azure.core.pipeline.policies import RetryPolicy
        from azure.core.rest import HttpRequest

        def ask(client: Any) -> str:
            response = client.send_request(HttpRequest("GET", url), read_timeout=READ_SECONDS)
            response.raise_for_status()
            return str(response.content.decode(errors="replace"))

        plain = PipelineClient(url, policies=[RetryPolicy(**RETRIES)])
        return self.call(doing, ask, "the logs", lambda: plain)

    @property
    def storage_url(self) -> str:
        """The blob endpoint of the stack's storage account."""
        from azure.ai.ml._azure_environments import _get_storage_endpoint_from_metadata
        from azure.ai.ml.constants._common import STORAGE_ACCOUNT_URLS

        url: str = STORAGE_ACCOUNT_URLS["AzureBlob"].format(
            self.outputs.storage_account, _get_storage_endpoint_from_metadata()
        )
        return url

    @cached_property
    def storage(self) -> Any:
        """The `BlobServiceClient` of the stack's storage account."""
        from azure.storage.blob import BlobServiceClient

        return BlobServiceClient(self.storage_url, self.credential, **BLOB_RETRIES)

    @cached_property
    def _arm(self) -> Any:
        from azure.ai.ml._azure_environments import _get_base_url_from_metadata

        return self._plane(_get_base_url_from_metadata())

    @cached_property
    def _logs(self) -> Any:
        from azure.ai.ml._azure_environments import _get_default_cloud_name

        return self._plane(LOG_ANALYTICS[_get_default_cloud_name()])

    def _plane(self, url: str) -> Any:
        from azure.core import PipelineClient
        from azure.core.pipeline.policies import BearerTokenCredentialPolicy, RetryPolicy

        token = BearerTokenCredentialPolicy(self.credential, f"{url}/.default")
        return PipelineClient(url, policies=[RetryPolicy(**RETRIES), token])

    def _client(self, **place: str) -> Any:
        from azure.ai.ml import MLClient

        quieten()
        mend()
        own = self.outputs
        return MLClient(
            self.credential,
            own.subscription_id,
            own.resource_group,
            show_progress=False,
            enable_telemetry=False,
            polling_interval=POLL_SECONDS,
            **RETRIES,
            **place,
        )

    def _checked(self, fault: Fault) -> Fault:
        """Where something is not there, it may be that the workspace is not."""
        if isinstance(fault, NotThere):
            _ = self.location
        return fault


def quieten() -> None:
    """Takes away what the SDK prints: dots, bars, colours, advertising of what is experimental."""
    from azure.ai.ml._artifacts import _blob_storage_helper
    from azure.ai.ml._utils._azureml_polling import AzureMLPolling
    from azure.ai.ml.constants._common import LROConfigurations
    from azure.mgmt.core.polling.arm_polling import ARMPolling

    AzureMLPolling.update_status = ARMPolling.update_status
    _blob_storage_helper.print = lambda *_, **__: None
    LROConfigurations.POLL_INTERVAL = POLL_SECONDS  # what deployments are polled by
    warnings.filterwarnings("ignore", module=r"azure\.|msrest|marshmallow")
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if name.startswith(QUIET) and isinstance(logger, logging.Logger):
            if logger.level != logging.CRITICAL:  # setting it is slow: Python then goes through all loggers
                logger.setLevel(logging.CRITICAL)
            logger.handlers.clear()


class Senders(ThreadPoolExecutor):
    """Threads that send a folder's files: the first that fails ends the others, and is told."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._sent: list[Future[Any]] = []

    def submit(self, *what: Any, **options: Any) -> Future[Any]:
        """See `ThreadPoolExecutor`."""
        self._sent.append(super().submit(*what, **options))
        return self._sent[-1]

    def __exit__(self, *raised: object) -> None:
        """Waits for all.

        Raises:
            Exception: what the first that failed has raised.
        """
        ended, _ = wait(self._sent, return_when=FIRST_EXCEPTION)
        self.shutdown(cancel_futures=True)
        for one in ended:
            one.result()


def mend() -> None:
    """Mends three slips of 1.35.2.

    A job's output that is a model is asked for by a word that the SDK's own request refuses; a model monitor with a
    target is written, and what the service answers is then read by a name that the answer's class does not have;
    where a folder is sent without a bar on the screen nobody looks at the files that fail, and they are waited for
    without end.
    """
    from azure.ai.ml._utils import _asset_utils as files
    from azure.ai.ml.entities import MonitoringTarget
    from azure.ai.ml.operations._model_dataplane_operations import ModelDataplaneOperations

    def uris(self: Any, models: list[str]) -> SimpleNamespace:
        scope = self._operation_scope
        place = (scope.subscription_id, scope.resource_group_name, self._workspace_name)
        found = self._operation.batch_get_resolved_uris(*place, body={"values": models})
        return SimpleNamespace(values=found.values_property)

    def target(cls: Any, obj: Any) -> Any:
        return cls(ml_task=obj.task_type, endpoint_deployment_id=obj.deployment_id, model_id=obj.model_id)

    files.ThreadPoolExecutor = Senders
    ModelDataplaneOperations.get_batch_model_uris = uris
    MonitoringTarget._from_rest_object = classmethod(target)
