"""Where the jobs that touch prod run."""

from __future__ import annotations

from infra.settings import SharedSettings

EVERYBODYS = "ubuntu-latest"  # GitHub's own runners, which reach a prod whose network is public


def runner_label(settings: SharedSettings) -> str:
    """What prod's workflows ask for in `runs-on`: the variable PROD_RUNNER."""
    if settings.network == "public":
        return EVERYBODYS
    return f"{settings.prefix}-prod" if settings.runners == "self-hosted" else f"{settings.prefix}-prod-hosted"


def runner_faults(private: bool, label: str) -> list[str]:
    """Why prod's jobs would not reach it, or nothing; `label` is what shared told GitHub."""
    if private == (label != EVERYBODYS):
        return []
    now = "private" if private else "public"
    return [f"`network`: prod is {now}, but shared sends its jobs to `{label}`: pulumi up --stack shared"]
