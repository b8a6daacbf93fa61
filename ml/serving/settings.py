"""How the server is started: from the command line, or from the environment of a container."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ml.fault import invalid
from ml.serving.collection import DEFAULT_BYTES
from ml.serving.served import Served
from ml.serving.shipping import SECONDS as SHIP_SECONDS

AZURE_MODEL = "AZUREML_MODEL_DIR"
PORT = 5001


@dataclass(frozen=True)
class Settings:
    """What to serve, and where.

    Attributes:
        model: the folder of the model.
        host: the address to listen on.
        port: the port; 0 takes a free one.
        served: the names that answers carry.
        collect: where answered requests are collected; None collects nothing.
        collect_share: the share of them that is.
        collect_bytes: the most that the folder may hold.
        collect_to: the URL of a folder of blobs that they are carried to; None leaves them.
        collect_every: so many seconds apart.
        with_parent: whether the process ends with whoever holds its standard input.
    """

    model: Path
    host: str
    port: int
    served: Served
    collect: Path | None
    collect_share: float
    collect_bytes: int
    collect_to: str | None
    collect_every: float
    with_parent: bool


def read(arguments: Sequence[str], environment: Mapping[str, str]) -> Settings:
    """The settings; an option `--model-name` is also the variable `MLOPS_MODEL_NAME`.

    Raises:
        Fault: no model is named, or the folder holds none.
        SystemExit: (2) an unknown option, or no number where one belongs; the usage is on stderr.
    """
    given = _parser(environment).parse_args(arguments)
    folder = given.model or environment.get(AZURE_MODEL)
    if not folder:
        raise invalid("no model is named", "--model", f"name its folder, or set {AZURE_MODEL}")
    return Settings(
        model=_model_folder(Path(folder)),
        host=given.host,
        port=given.port,
        served=Served(given.deployment, given.model_name, given.model_version, given.digest),
        collect=Path(given.collect) if given.collect else None,
        collect_share=given.collect_share,
        collect_bytes=given.collect_bytes,
        collect_to=_collect_to(given.collect_to, given.collect),
        collect_every=given.collect_every,
        with_parent=given.with_parent,
    )


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "python -m ml.serving",
        description=__doc__,
        epilog="Each option is also a variable: --port is MLOPS_PORT.",
    )

    def option(name: str, default: object, help: str, type: type = str) -> None:
        variable = "MLOPS_" + name.upper().replace("-", "_")
        # argparse reads a default that is text as it reads an argument.
        parser.add_argument(f"--{name}", default=environment.get(variable, default), type=type, help=help)

    option("model", None, f"the model's folder; otherwise {AZURE_MODEL} names it")
    option("host", "127.0.0.1", "the address to listen on; a container needs 0.0.0.0")
    option("port", PORT, "the port; 0 takes a free one", int)
    option("deployment", Served.deployment, "the deployment's name")
    option("model-name", Served.model, "the model's registered name")
    option("model-version", Served.version, "the model's version")
    option("digest", Served.digest, "the digest of the model's files")
    option("collect", None, "a folder for answered requests")
    option("collect-share", 1.0, "the share of them that is collected, from 0 to 1", float)
    option("collect-bytes", DEFAULT_BYTES, "the most that the folder may hold", int)
    option("collect-to", None, "the URL of a folder of blobs that they are carried to with the identity found here")
    option("collect-every", SHIP_SECONDS, "so many seconds apart", float)
    flag = environment.get("MLOPS_WITH_PARENT", "") not in ("", "0", "false")
    parser.add_argument("--with-parent", action="store_true", default=flag, help="end when standard input does")
    return parser


def _collect_to(url: str | None, folder: str | None) -> str | None:
    if not url:
        return None
    if not folder:
        raise invalid("nothing is collected that could be carried there", "--collect-to", "name a folder by --collect")
    if not url.startswith(("https://", "http://")) or url.count("/") < 3:
        raise invalid(f"`{url}` is no URL of a container", "--collect-to", "https://ACCOUNT.blob.core.windows.net/…")
    return url.rstrip("/")


def _model_folder(folder: Path) -> Path:
    """The folder itself, or the only model one level below, where Azure ML puts it."""
    for candidate in (folder, *sorted(folder.glob("*/"))):
        if (candidate / "MLmodel").exists() or (candidate / "card.json").exists():
            return candidate
    raise invalid("holds no model", str(folder), "name a folder with MLmodel in it")
