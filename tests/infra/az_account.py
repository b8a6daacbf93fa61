"""An `az` that remembers: what is made is found again, and every command is kept."""

from __future__ import annotations

import json

from infra.az import Result

PERSON = "bbbbbbbb-0000-0000-0000-000000000001"
SUBSCRIPTION = "00000000-1111-2222-3333-444444444444"


class Account:
    """What a person's `az` would answer, as far as bootstrap, teardown and sleep ask."""

    def __init__(self) -> None:
        self.things: dict[str, dict] = {}
        self.commands: list[list[str]] = []
        self.refuse: dict[str, str] = {}
        self.user = {"type": "user", "name": "dana@contoso.example"}
        self.sizes = ["Standard_D4s_v5", "Standard_D4ds_v5", "Standard_DS3_v2"]
        self.places = ["East US", "West Europe"]

    def __call__(self, arguments: list[str]) -> Result:
        self.commands.append(arguments)
        for words, error in self.refuse.items():
            if words in " ".join(arguments):
                return Result(1, "", error)
        if arguments[:2] == ["account", "show"]:
            return Result(
                0,
                json.dumps(
                    {"id": SUBSCRIPTION, "tenantId": "t", "user": self.user, "name": "Models", "state": "Enabled"}
                ),
                "",
            )
        if arguments[:2] == ["ad", "signed-in-user"]:
            return Result(0, json.dumps({"id": PERSON}), "")
        if arguments[:2] == ["vm", "list-skus"]:
            return Result(0, json.dumps([{"name": size, "restrictions": []} for size in self.sizes]), "")
        if arguments[:2] == ["provider", "show"]:
            kinds = ("workspaces", "registries", "managedClusters", "extensions", "jobs")
            types = [{"resourceType": kind, "locations": self.places} for kind in kinds]
            return Result(0, json.dumps({"resourceTypes": types}), "")
        return self._answer(arguments)

    def _answer(self, arguments: list[str]) -> Result:
        verbs = ("show", "create", "update", "list", "delete", "scale", "stop", "purge", "exists", "rest")
        verb = next((word for word in arguments if word in verbs), None)
        if not verb:
            return Result(1, "", "(AuthorizationFailed) this is not answered here")
        key = self.key(arguments)
        if verb == "create" or (verb == "update" and "blob-service-properties" in arguments):
            self.things[key] = self.state(arguments)
            return Result(0, json.dumps(self.things[key]), "")
        if verb == "show":
            found = self.things.get(key)
            return Result(0, json.dumps(found), "") if found else Result(3, "", "(ResourceNotFound) was not found")
        if verb == "list":
            return Result(0, json.dumps([self.things[key]] if key in self.things else []), "")
        return Result(0, "", "")

    @staticmethod
    def key(arguments: list[str]) -> str:
        """What names a thing: its kind and its name, or an assignment's three parts."""
        kind = " ".join(
            word
            for word in arguments[:3]
            if word not in ("show", "create", "update", "list", "delete") and not word.startswith("-")
        )
        options = {arguments[i]: arguments[i + 1] for i in range(len(arguments) - 1) if arguments[i].startswith("--")}
        who = options.get("--assignee") or options.get("--assignee-object-id", "")
        return "|".join(
            [
                kind,
                options.get("--name", ""),
                options.get("--account-name", ""),
                who,
                options.get("--role", ""),
                options.get("--scope", ""),
            ]
        )

    @staticmethod
    def state(arguments: list[str]) -> dict:
        options = {arguments[i]: arguments[i + 1] for i in range(len(arguments) - 1) if arguments[i].startswith("--")}
        return {
            "id": f"/ids/{options.get('--name')}", "principalId": "cccccccc-1", "clientId": "dddddddd-0000-0000-0000-000000000001", "location": "westeurope",
            "subject": options.get("--subject"), "isVersioningEnabled": options.get("--enable-versioning") == "true",
            "deleteRetentionPolicy": {"enabled": options.get("--enable-delete-retention") == "true"},
        }  # fmt: skip

    def writes(self) -> list[str]:
        """The commands that change something."""
        looks = {"show", "list", "list-skus", "exists"}
        return [" ".join(c) for c in self.commands if not looks & set(c)]
