"""The vendors' published clients, unmodified, against a gateway of this tree: `make conformance`.

Installs those for node into `build/conformance` (git ignores it), starts a gateway in a folder of its own, runs a script for each
client and prints what each call's check found. Ends with 1 when anything differs. Needs node, npm and openssl."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from adapters.chat21 import auth
from tests.conformance import ozeki
from tests.conformance.demo import token
from tests.gateway.certificates import Certificate, new_certificate
from tests.gateway.program import ROOT, Program, environment, running

FOLDER = Path(__file__).parent
CLIENTS = ROOT / "build" / "conformance"
SCRIPTS = {
    "@applozic/core-sdk": "applozic.mjs",
    "applozic-chat": "applozic_web.mjs",
    "@chat21/chat21-node-sdk": "chat21.mjs",
    "easemob-websdk": "easemob.mjs",
}
SCRIPT_SECONDS = 300
INSTALL_SECONDS = 900
OK, NOT_SERVED = "ok", "not served"


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


def configured(folder: Path, certificate: Certificate) -> Path:
    """Settings with a listener over TLS for the client that speaks nothing else."""
    config = folder / "gateway.toml"
    config.write_text(
        '[[listeners]]\ndialect = "applozic"\nport = 0\n'
        f'tls_cert = "{certificate.file}"\ntls_key = "{certificate.key_file}"\n'
    )
    return config


def run(script: str, program: Program, folder: Path, certificate: Certificate) -> list[tuple[str, str]]:
    """Each call with its result. A script that ends early is a row of its own."""
    results, output = folder / f"{script}.results", folder / f"{script}.output"
    results.touch()
    variables = environment(
        {
            "GATEWAY_URL": program.url,
            "APPLOZIC_URL": program.bound_urls["applozic"],
            "NODE_EXTRA_CA_CERTS": str(certificate.file),
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
    found = [(row["call"], row["result"]) for row in rows]
    if ended.returncode or not found:
        found.append(("the script itself", f"ended with {ended.returncode}: {output.read_text()[-600:]}"))
    return found


def run_here(program: Program) -> Iterator[tuple[str, str]]:
    """The same for the client in Python."""
    for call, check in ozeki.CHECKS.items():
        try:
            check(ozeki.Gateway(program.url))
        except Exception as problem:  # noqa: BLE001  # whatever the client raises is what is to be seen
            yield call, f"differs: {type(problem).__name__}: {problem}"
        else:
            yield call, OK


def main() -> int:
    """Print the table; the exit code."""
    if not all(shutil.which(program) for program in ("node", "npm", "openssl")):
        print("conformance needs node, npm and openssl", file=sys.stderr)
        return 2
    install()
    versions = json.loads((FOLDER / "package.json").read_text())["dependencies"]
    table: list[tuple[str, str, str]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        certificate = new_certificate(folder)
        options = ("--dev", "--config", str(configured(folder, certificate)))
        with running(folder / "gateway", *options) as program:
            for client, script in SCRIPTS.items():
                rows = run(script, program, folder, certificate)
                table += ((f"{client} {versions[client]}", *row) for row in rows)
            table += ((f"ozekilibsrest {version('ozekilibsrest')}", *row) for row in run_here(program))
    lines = [
        ("client", "call", "result"),
        *((client, call, " ".join(result.split())) for client, call, result in table),
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(2)]
    for client, call, result in lines:
        print(f"{client:{widths[0]}}  {call:{widths[1]}}  {result}")
    missing = sum(result == NOT_SERVED for *_, result in table)
    different = sum(result not in {OK, NOT_SERVED} for *_, result in table)
    print(f"{len(table) - missing} checks, {different} differ; {missing} not served", flush=True)
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
