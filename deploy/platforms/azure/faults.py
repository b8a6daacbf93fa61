"""What the SDK and the service say is wrong, as a fault with its remedy."""

from __future__ import annotations

import re
from json import JSONDecodeError
from typing import Any

from ml.fault import Fault, of_the_machine

LONGEST = 240
BETWEEN = "see what stands between (a proxy, the network's sign-in page), then try again"
# How the libraries below tell of a connection: by their own classes, with numbers of the system.
CONNECTION = re.compile(r"\w+\(host='([^']+)', port=\d+\)")
ERRNO = re.compile(r"\[Errno -?\d+\] ")
BROKEN_OFF = re.compile(r"^\('[^']*', \w+\((?:\d+, )?['\"](.+?)['\"]\)\)$")
COLOURS = re.compile(r"\x1b\[\d+m")
DETAIL = re.compile(r"Details: \(x\) (.+?)(?: \(x\) | Resolutions: |$)")
ROLES = {
    "the workspace": "AzureML Data Scientist on the resource group {group}",
    "the registry": "AzureML Registry User on the registry",
    "the storage account": "Storage Blob Data Contributor on the resource group {group}",
    "the metrics": "Reader on the resource group {group}",
    "the logs": "Reader on the resource group {group}",
    "the quota": "Reader on the subscription",
}

# What ARM calls its own trouble, or the team's: none of it says anything about the model that is deployed.
BY_CODE = {
    "OutOfQuota": "ask for more quota, or for a smaller `serving.instance_type`",
    "OutOfCapacity": "try again later, or another `serving.instance_type`",
    "ImageBuildFailure": "see the build's log in the studio, and environments/serving",
    "AuthorizationFailed": "see docs/infrastructure-roles.md",
    "OperationCanceled": "the same command goes on",
    "InternalServerError": "try again; see https://status.azure.com",
    "InferencingClientCallFailed": "see the cluster's extension (`az k8s-extension show`)",
    "ResourceNotFound": "pulumi up",
}


class NotThere(Fault):
    """The service answers that there is no such thing."""


class Forbidden(Fault):
    """Whoever is logged in lacks a role."""


class Busy(Fault):
    """Another operation is under way on the same thing, or too much is asked at once."""


class Refused(Fault):
    """The service does not take what it was sent."""


class Unreachable(Fault):
    """The service does not answer, or fails: it may do so a moment later."""


def as_fault(error: Exception, doing: str, group: str, stack: str, of: str = "the workspace") -> Fault:
    """The fault that an exception of the SDK, of azure-core or of the connection stands for.

    Args:
        error: what was raised.
        doing: what was being done, as in `read the endpoint flight-delay`.
        group: the resource group.
        stack: dev or prod.
        of: what was asked, a key of `ROLES`.
    """
    if isinstance(error, Fault):
        return error
    from azure.core import exceptions as core

    error = _beneath(error)
    if isinstance(error, OSError) and (known := of_the_machine(error, doing)) is not None:
        return known
    if isinstance(error, core.DecodeError | JSONDecodeError):
        return Unreachable("what answers is not Azure: it speaks no JSON", doing, BETWEEN)
    if isinstance(error, core.ClientAuthenticationError):
        return _of_login(error, doing)
    if isinstance(error, core.HttpResponseError):
        return _of_status(error, doing, group, stack, of)
    if isinstance(error, core.ServiceRequestError | core.ServiceResponseError | OSError):
        return Unreachable(
            f"Azure does not answer: {_unconnected(_words(error))}", doing, "see the connection, then try again"
        )
    return Refused(_words(error), doing, "correct it, then try again")


def _beneath(error: Exception) -> Exception:
    """What was answered, where the SDK has wrapped it in words of its own."""
    from azure.ai.ml.exceptions import MlException
    from azure.core import exceptions as core

    answered: Any = (core.HttpResponseError, core.ServiceRequestError, core.ServiceResponseError)
    wrapped: BaseException | None = error
    while isinstance(wrapped, MlException):  # what is raised while another is told has no cause, only a context
        told_anew = wrapped.__context__ if isinstance(wrapped.__context__, MlException) else None
        wrapped = wrapped.__cause__ or told_anew
    return wrapped if isinstance(wrapped, answered) else error


def _of_login(error: Any, doing: str) -> Fault:
    """A credential tells of every way it has tried; what counts is the one way in which somebody has logged in."""
    tried = re.findall(r"^\s*\w+Credential: (.+)$", str(error.message), re.MULTILINE)
    refused = next((said for said in tried if "AADSTS" in said), None)
    if refused is not None:
        first = refused.removeprefix("ERROR: ").split(". ")[0]
        return Fault(f"the login to Azure is not valid any more: {first}", doing, "az login")
    if any("Azure CLI not found" in said for said in tried):
        remedy = "install it (https://aka.ms/azure-cli), then az login"
        return Fault("nobody is logged in to Azure, and the Azure CLI is not installed", doing, remedy)
    if tried:
        return Fault("nobody is logged in to Azure", doing, "az login")
    return Fault(f"the login to Azure is not valid any more: {_words(error)}", doing, "az login")


def _of_status(error: Any, doing: str, group: str, stack: str, of: str) -> Fault:
    status, words = error.status_code, _words(error)
    kind = str(getattr(error.response, "headers", {}).get("Content-Type", ""))
    if status is not None and status < 400 and "html" in kind:  # an operation that failed is told by 200 too, in JSON
        return Unreachable(f"what answers is not Azure: {words}", doing, BETWEEN)
    if status == 401:
        return Fault("the login to Azure is not valid any more", doing, "az login")
    if status == 403:
        of = "the storage account" if _is_of_storage(error) else of
        role = ROLES[of].format(group=group)
        remedy = f"ask whoever owns the stack {stack} for the role {role} (docs/infrastructure-roles.md)"
        return Forbidden(f"your rights do not allow it on {of}: {words}", doing, remedy)
    if status == 404:
        up = "shared" if of == "the registry" else stack
        return NotThere(f"it is not there: {words}", doing, f"pulumi up --stack {up}, if the stack is not up")
    if status in (409, 412, 429):
        return Busy(f"Azure is busy with it: {words}", doing, "wait a moment, then try again")
    if status is not None and status >= 500:
        return Unreachable(f"Azure fails with {status}: {words}", doing, "try again; see https://status.azure.com")
    return Refused(f"Azure refuses it: {words}", doing, BY_CODE.get(code_of(error), "correct it, then try again"))


def _is_of_storage(error: Any) -> bool:
    """Whether blob storage was asked: the SDK sends code and models there itself, on its way to the workspace."""
    request = getattr(error.response, "request", None)
    return "x-ms-version" in getattr(request, "headers", {})


def code_of(error: Exception) -> str:
    """ARM's word for what is wrong, as in `OutOfQuota`; empty where it says none."""
    told = getattr(getattr(error, "error", None), "code", None)
    return str(told or "")


def _unconnected(words: str) -> str:
    """Why there is no connection, without the names of Python's classes."""
    if found := BROKEN_OFF.match(words):
        return found[1]
    return ERRNO.sub("", CONNECTION.sub(r"\1", words))


def _words(error: Exception) -> str:
    """The first sentence of what was said, in one line."""
    told = getattr(getattr(error, "error", None), "message", None) or getattr(error, "message", None) or str(error)
    line = " ".join(COLOURS.sub("", str(told)).split())
    if found := DETAIL.search(line):  # the SDK's own refusals: a list of faults between two pieces of advice
        line = found[1]
    line = re.split(" (?:RequestId|ErrorCode):", line)[0]  # from there on blob storage speaks to its own engineers
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
