"""The vendors' published clients, unmodified, against a gateway of this tree: `make conformance`.

Installs them into `build/conformance` (git ignores it), starts a gateway in a folder of its own, runs a script for each
client and prints what each call's check found. Ends with 1 when anything differs. Needs node and npm."""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from adapters.chat21 import auth
from core.clock import SystemClock
from tests.gateway.program import ROOT, Program, environment, running

FOLDER = Path(__file__).parent
CLIENTS = ROOT / "build" / "conformance"
SCRIPTS = {"@chat21/chat21-node-sdk": "chat21.mjs", "easemob-websdk": "easemob.mjs"}
SCRIPT_SECONDS = 300
INSTALL_SECONDS = 900


def install() -> None:
    """What the lock names; nothing when it is there already."""
    CLIENTS.mkdir(parents=True, exist_ok=True)
    lock, installed = FOLDER / "package-lock.json", CLIENTS / "installed.json"
    if installed.exists() and installed.read_bytes() == lock.read_bytes():
        return
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(FOLDER / name, CLIENTS / name)
    subprocess.run(["npm", "ci"], cwd=CLIENTS, check=True, timeout=INSTALL_SECONDS)  # noqa: S607
    shutil.copy(lock, installed)


def token(user: str, administrator: bool = False) -> str:
    """One of Chat21's, for the demo tenant."""
    return auth.sign(SystemClock().now(), "tokenKey", "tilechat", user, administrator, 3600)


def run(script: str, program: Program, folder: Path) -> list[tuple[str, str]]:
    """Each call with what differs, empty when nothing does. A script that ends early is a row of its own."""
    results, output = folder / f"{script}.results", folder / f"{script}.output"
    results.touch()
    variables = environment(
        {
            "GATEWAY_URL": program.url,
            "CLIENTS": str(CLIENTS),
            "RESULTS": str(results),
            "APP_ROOT_PATH": str(folder),
            "ADMIN_TOKEN": token(auth.ADMINISTRATOR, administrator=True),
            "ANN_TOKEN": token("ann"),
            "BOB_TOKEN": token("bob"),
            "APPLICATION_TOKEN": program.token(),
        }
    )
    with output.open("wb") as written:
        ended = subprocess.run(
            ["node", str(FOLDER / script)],  # noqa: S607
            env=variables,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=subprocess.STDOUT,
            timeout=SCRIPT_SECONDS,
        )
    rows = [json.loads(line) for line in results.read_text().splitlines()]
    found = [(row["call"], row["differs"]) for row in rows]
    if ended.returncode or not found:
        found.append(("the script itself", f"ended with {ended.returncode}: {output.read_text()[-600:]}"))
    return found


def main() -> int:
    """Print the table; the exit code."""
    if not (shutil.which("node") and shutil.which("npm")):
        print("conformance needs node and npm", file=sys.stderr)
        return 2
    install()
    versions = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    with tempfile.TemporaryDirectory() as name, running(Path(name) / "gateway", "--dev") as program:
        table = [
            (f"{client} {versions[client]}", call, f"differs: {' '.join(differs.split())}" if differs else "ok")
            for client, script in SCRIPTS.items()
            for call, differs in run(script, program, Path(name))
        ]
    rows = [("client", "call", "result"), *table]
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for client, call, result in rows:
        print(f"{client:{widths[0]}}  {call:{widths[1]}}  {result}")
    different = sum(result != "ok" for _, _, result in table)
    print(f"{len(table)} checks, {different} differ", flush=True)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
