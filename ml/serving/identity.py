"""The token of the identity that a deployment runs as, from the endpoint beside its container."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlencode, urlsplit

SECONDS = 10
RENEWED_BEFORE = 300
UNKNOWN_LIFE = 600  # an answer that tells its end as a date, not as seconds since 1970, is asked for again so soon


class NoTokenError(Exception):
    """There is no identity here, or it got no token."""


class Identity:
    """A managed identity, as azure-identity finds it: App Service's variables first, then Azure ML's.

    The protocols are those of azure-identity's `app_service` and `azure_ml` credentials.
    """

    def __init__(self, environment: Mapping[str, str], resource: str) -> None:
        """`resource` is what the tokens are for, such as https://storage.azure.com/."""
        self._url, query, self._headers = _endpoint(environment)
        self._path = urlsplit(self._url).path + "?" + urlencode({"resource": resource, **query})
        self._token, self._until = "", 0.0

    def token(self) -> str:
        """A token that is good for some minutes at least.

        Raises:
            NoTokenError: with the reason.
        """
        if time.time() > self._until - RENEWED_BEFORE:
            self._token, self._until = self._ask()
        return self._token

    def _ask(self) -> tuple[str, float]:
        connection = HTTPConnection(urlsplit(self._url).netloc, timeout=SECONDS)
        try:
            connection.request("GET", self._path, headers=self._headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise NoTokenError(f"the identity's endpoint answers {answer.status}: {body[:200]!r}")
            told = json.loads(body)
            return str(told["access_token"]), _end(told)
        except (OSError, HTTPException, ValueError, KeyError) as error:
            raise NoTokenError(f"the identity's endpoint fails: {error!r}") from None
        finally:
            connection.close()


def _endpoint(environment: Mapping[str, str]) -> tuple[str, dict[str, str], dict[str, str]]:
    """The URL, the query and the headers."""
    client = environment.get("MLOPS_IDENTITY") or environment.get("DEFAULT_IDENTITY_CLIENT_ID")
    if environment.get("IDENTITY_ENDPOINT") and environment.get("IDENTITY_HEADER"):
        query = {"api-version": "2019-08-01", **({"client_id": client} if client else {})}
        return environment["IDENTITY_ENDPOINT"], query, {"X-IDENTITY-HEADER": environment["IDENTITY_HEADER"]}
    if environment.get("MSI_ENDPOINT") and environment.get("MSI_SECRET"):
        query = {"api-version": "2017-09-01", **({"clientid": client} if client else {})}
        return environment["MSI_ENDPOINT"], query, {"secret": environment["MSI_SECRET"]}
    raise NoTokenError("there is no managed identity here: neither IDENTITY_ENDPOINT nor MSI_ENDPOINT is set")


def _end(told: Mapping[str, str]) -> float:
    try:
        return float(told["expires_on"])
    except (KeyError, ValueError):
        return time.time() + UNKNOWN_LIFE + RENEWED_BEFORE
