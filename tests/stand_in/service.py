"""The stand-in of Azure as one thing that tests start, and point the SDK at."""

from __future__ import annotations

import json
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.stand_in.assets import Assets, arm_id
from tests.stand_in.batch import Batch
from tests.stand_in.blobs import Blobs
from tests.stand_in.containers import Containers
from tests.stand_in.deployments import Deployments
from tests.stand_in.endpoints import Endpoints
from tests.stand_in.jobs import Jobs
from tests.stand_in.metrics import Metrics
from tests.stand_in.quota import Quota
from tests.stand_in.schedules import Schedules
from tests.stand_in.scoring import Scoring
from tests.stand_in.server import SUBSCRIPTION, TENANT, Server, token


@dataclass
class StandIn:
    """Azure, as far as this project meets it.

    Attributes:
        folder: where its processes keep their files, and its `az` and `pulumi` lie.
    """

    folder: Path
    server: Server
    storage: dict[str, Blobs]
    assets: Assets
    containers: Containers
    endpoints: Endpoints
    deployments: Deployments
    scoring: Scoring
    jobs: Jobs
    metrics: Metrics
    batch: Batch
    schedules: Schedules
    quota: Quota

    @classmethod
    def start(cls, folder: Path) -> StandIn:
        """An Azure with the stacks dev and prod brought up, and nothing in them."""
        server = Server()
        server.start()
        storage = {stack: Blobs(server, f"st{stack}") for stack in ("dev", "prod", "shared")}
        assets = Assets(server, storage)
        containers, endpoints = Containers(server, assets, folder / "containers"), Endpoints(server, assets)
        scoring, jobs = Scoring(server, endpoints), Jobs(server, assets, folder / "runs")
        made = cls(
            folder, server, storage, assets, containers, endpoints,
            Deployments(server, assets, endpoints, containers), scoring, jobs, Metrics(server, scoring),
            Batch(server, assets, folder / "batch"), Schedules(server, assets, jobs, endpoints), Quota(server),
        )  # fmt: skip
        made._write_commands()
        return made

    def stop(self) -> None:
        self.containers.stop()
        self.server.stop()

    def outputs(self, stack: str, **changed: Any) -> dict[str, Any]:
        """A stack's outputs as `pulumi stack output --json` prints them."""
        group, place = f"rg-{stack}", arm_id(stack)
        return {
            "version": 1, "stack": stack, "subscriptionId": SUBSCRIPTION, "tenantId": TENANT, "location": "westeurope",
            "resourceGroup": group, "workspaceName": f"mlw-{stack}", "workspaceId": place, "registryName": "mlr-shared",
            "clusterName": "cpu-small", "extraClusters": {}, "kubernetesCompute": "", "kubernetesCluster": "",
            "kubernetesNamespace": "", "instanceTypes": [], "instanceNames": [], "endpointHost": "",
            "endpointIdentityId": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/"
            f"Microsoft.ManagedIdentity/userAssignedIdentities/id-{stack}-endpoint",
            "endpointIdentityClientId": f"client-{stack}-endpoint",
            "storageAccount": f"st{stack}", "rawContainer": "raw", "datastoreName": "raw",
            "vaultName": f"kv-{stack}", "vaultUri": f"https://kv-{stack}.vault.azure.net/",
            "imagesServer": f"cr{stack}.azurecr.io",
            "insightsId": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/"
            f"Microsoft.Insights/components/appi-{stack}",
            "logsWorkspaceId": f"/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/"
            f"Microsoft.OperationalInsights/workspaces/log-{stack}",
            "actionGroupId": "", "privateNetwork": False, "runnerJob": "", **changed,
        }  # fmt: skip

    def kubernetes(self, stack: str) -> dict[str, Any]:
        """The outputs of a stack with an attached cluster, which the workspace then knows."""
        compute = {"computeType": "Kubernetes", "resourceId": "/aks", "properties": {"namespace": "mlops"}}
        id = f"{arm_id(stack)}/computes/aks"
        self.assets.computes[f"mlw-{stack}"]["aks"] = self.assets.resource(
            id, "computes", compute, location="westeurope"
        )
        names = {"kubernetesCompute": "aks", "kubernetesCluster": f"aks-{stack}", "kubernetesNamespace": "mlops"}
        return self.outputs(stack, **names, instanceTypes=["serving"], endpointHost="scoring.example.org")

    def variables(self) -> dict[str, str]:
        """What a process needs in its environment to meet this Azure; see `pointing` for the SDK itself."""
        path = f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "STAND_IN_URL": self.server.url}

    def log_in(self, seconds: float = 3600.0) -> None:
        """`az` gives a token that lasts so long."""
        token_ = {"accessToken": token(seconds), "expires_on": 0, "subscription": SUBSCRIPTION, "tenant": TENANT}
        (self.folder / "bin" / "token").write_text(json.dumps(token_))

    def log_out(self) -> None:
        """`az` says that the login has expired."""
        (self.folder / "bin" / "token").unlink(missing_ok=True)

    def bring_up(self, **outputs: dict[str, Any]) -> None:
        """`pulumi` knows the outputs of these stacks, and of no other."""
        for stack in ("dev", "prod"):
            path = self.folder / "bin" / f"{stack}.json"
            path.unlink(missing_ok=True)
            if stack in outputs:
                path.write_text(json.dumps(outputs[stack]))

    def _write_commands(self) -> None:
        """`az` and `pulumi` as far as they are called, in the same words as the real ones."""
        folder = self.folder / "bin"
        folder.mkdir(parents=True)
        for name in ("az", "pulumi"):
            path = folder / name
            path.write_text(f"#!{sys.executable} -SE\n{COMMANDS[name]}")
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        self.log_in()
        self.bring_up(dev=self.outputs("dev"), prod=self.outputs("prod"))


AZ = """\
import json, pathlib, sys, time, base64
kept = pathlib.Path(__file__).with_name("token")
if not kept.exists():
    sys.stderr.write("ERROR: AADSTS700082: The refresh token has expired due to inactivity. "
                     "Interactive authentication is needed. Please run: az login\\n")
    sys.exit(1)
given = json.loads(kept.read_text())
claims = given["accessToken"].split(".")[1]
given["expires_on"] = json.loads(base64.urlsafe_b64decode(claims + "=="))["exp"]
print(json.dumps(given))
"""
PULUMI = """\
import json, pathlib, sys
stack = sys.argv[sys.argv.index("--stack") + 1]
path = pathlib.Path(__file__).with_name(stack + ".json")
if not path.exists():
    sys.stderr.write(f"error: no stack named '{stack}' found\\n")
    sys.exit(255)
outputs = path.read_text()
state = {"version": 3, "deployment": {"resources": [{"urn": f"urn:pulumi:{stack}", "outputs": json.loads(outputs)}]}}
print(json.dumps(state) if "export" in sys.argv else outputs)
"""
COMMANDS = {"az": AZ, "pulumi": PULUMI}
