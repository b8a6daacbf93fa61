# ruff: noqa: N802 the methods have the protocol's names
"""A resource provider that answers the engine's protocol out of a folder: Azure, Kubernetes and GitHub in small."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from concurrent import futures
from pathlib import Path

import grpc
from google.protobuf import json_format, struct_pb2
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

sys.path.insert(0, str(Path(__file__).parent))
from stand_in import answer, made

CLOUD = Path(os.environ.get("STAND_IN_CLOUD", "."))
# What the real provider replaces rather than changes (AK3), as far as the tests touch it.
FORCE_NEW = {"location", "isHnsEnabled", "vmSize", "principalId", "scope", "dnsPrefix", "subnet"}
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"


def plain(struct):
    return json_format.MessageToDict(struct)


def packed(value):
    struct = struct_pb2.Struct()
    struct.update(value)
    return struct


def file_of(identity, urn):
    return CLOUD / (hashlib.sha256(f"{identity} {urn}".encode()).hexdigest()[:24] + ".json")


def type_and_name(urn):
    _, _, types, name = urn.split("::", 3)
    return types.rsplit("$", 1)[-1], name


class StandIn(provider_pb2_grpc.ResourceProviderServicer):
    def GetPluginInfo(self, request, context):
        return plugin_pb2.PluginInfo(version="99.0.0")

    def CheckConfig(self, request, context):
        return provider_pb2.CheckResponse(inputs=request.news)

    def DiffConfig(self, request, context):
        return provider_pb2.DiffResponse(changes=provider_pb2.DiffResponse.DIFF_NONE)

    def Configure(self, request, context):
        return provider_pb2.ConfigureResponse(acceptSecrets=False, supportsPreview=True, acceptResources=False)

    def Check(self, request, context):
        return provider_pb2.CheckResponse(inputs=request.news)

    def Diff(self, request, context):
        old, new = plain(request.old_inputs), plain(request.news)
        changed = [key for key in {*old, *new} if old.get(key) != new.get(key) and key not in request.ignoreChanges]
        replaced = [key for key in changed if key in FORCE_NEW or key.endswith("Name")]
        some = provider_pb2.DiffResponse.DIFF_SOME if changed else provider_pb2.DiffResponse.DIFF_NONE
        return provider_pb2.DiffResponse(
            changes=some, diffs=changed, replaces=replaced, deleteBeforeReplace=bool(replaced)
        )

    def Create(self, request, context):
        type_, name = type_and_name(request.urn)
        identity, state = made(type_, name, plain(request.properties))
        if not request.preview:
            (CLOUD / "log").open("a").write(f"create {type_} {name}\n")
            file_of(identity, request.urn).write_text(
                json.dumps({"type": type_, "name": name, "inputs": plain(request.properties)})
            )
        return provider_pb2.CreateResponse(id="" if request.preview else identity, properties=packed(state))

    def Update(self, request, context):
        type_, name = type_and_name(request.urn)
        _, state = made(type_, name, plain(request.news))
        if not request.preview:
            (CLOUD / "log").open("a").write(f"update {type_} {name}\n")
            file_of(request.id, request.urn).write_text(
                json.dumps({"type": type_, "name": name, "inputs": plain(request.news)})
            )
        return provider_pb2.UpdateResponse(properties=packed(state))

    def Read(self, request, context):
        if not file_of(request.id, request.urn).exists():
            return provider_pb2.ReadResponse()
        found = json.loads(file_of(request.id, request.urn).read_text())
        _, state = made(found["type"], found["name"], found["inputs"])
        return provider_pb2.ReadResponse(id=request.id, properties=packed(state), inputs=packed(found["inputs"]))

    def Delete(self, request, context):
        type_, name = type_and_name(request.urn)
        (CLOUD / "log").open("a").write(f"delete {type_} {name}\n")
        file_of(request.id, request.urn).unlink(missing_ok=True)
        return provider_pb2.google_dot_protobuf_dot_empty__pb2.Empty()

    def Invoke(self, request, context):
        return provider_pb2.InvokeResponse(**{"return": packed(answer(request.tok, plain(request.args)))})


if __name__ == "__main__":
    server = grpc.server(futures.ThreadPoolExecutor(8))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(StandIn(), server)
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    while os.getppid() != 1:
        time.sleep(1)
