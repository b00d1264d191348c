"""git's post-receive hook: tells the local AWS what was pushed, as GitHub tells CodeConnections.

Runs on its own, outside the package and with the standard library alone, in the pushed repository. The push has
succeeded before it starts and stays so whatever happens here (https://git-scm.com/docs/githooks#post-receive).
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

_SECONDS = 20


class _NotToldError(Exception):
    """The local AWS did not take the news; the message says why."""


def main(arguments: list[str]) -> int:
    """Read `<old> <new> <ref>` lines from standard input and report them; always succeeds."""
    home = Path(arguments[0])
    repository = Path.cwd()
    name = f"{repository.parent.name}/{repository.name.removesuffix('.git')}"
    refs = [dict(zip(("old", "new", "ref"), line.rstrip("\n").split(" ", 2), strict=True)) for line in sys.stdin]
    try:
        answer = _tell(home, {"repository": name, "refs": refs})
    except _NotToldError as error:
        sys.stderr.write(f"Pushed, but no pipeline was started: {error}\n")
        return 0
    sys.stderr.writelines(f"Started {item['pipeline']} ({item['execution']})\n" for item in answer["started"])
    sys.stderr.writelines(f"Did not start {item['pipeline']}: {item['reason']}\n" for item in answer["refused"])
    return 0


def _tell(home: Path, news: dict[str, object]) -> dict[str, list[dict[str, str]]]:
    try:
        server = json.loads((home / "server.json").read_text(encoding="utf-8"))
        token = (home / "hook-token").read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise _NotToldError(
            "the local AWS is not running; start it with `python -m localaws up`, then push again or start the "
            "pipeline with `aws codepipeline start-pipeline-execution`."
        ) from error
    request = urllib.request.Request(  # noqa: S310 - the address is this machine's own server
        f"{server['endpoint']}/_localaws/git/push",
        data=json.dumps(news).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        method="POST",
    )
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(request, timeout=_SECONDS) as answer:
            told: dict[str, list[dict[str, str]]] = json.load(answer)
            return told
    except urllib.error.HTTPError as error:
        said = error.read().decode(errors="replace")
        raise _NotToldError(f"the local AWS answered {error.code} {said}; see {home / 'server.log'}.") from error
    except (OSError, ValueError) as error:
        raise _NotToldError(
            f"the local AWS at {server['endpoint']} does not answer; start it with `python -m localaws up`, then push "
            "again or start the pipeline with `aws codepipeline start-pipeline-execution`."
        ) from error


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
