"""The README's commands do what it says, pasted as they stand but for the port, the folder and the interpreter."""

import json
import re
import subprocess
import sys
from pathlib import Path

from tests.gateway.program import ROOT, environment, running

_TEXT = (ROOT / "README.md").read_text()


def _blocks(heading: str) -> list[str]:
    section = _TEXT.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


def _run(script: str, data: str, url: str = "") -> str:
    script = script.replace("http://127.0.0.1:8080", url).replace(
        ".venv/bin/chatgateway", f"{sys.executable} -m gateway"
    )
    done = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", script],
        env=environment({"CHATGATEWAY_DATA": data}),
        cwd=Path(data).parent,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_what_the_lines_of_the_dialects_send_and_read(tmp_path: Path) -> None:
    with running(tmp_path, "--dev") as program:
        output = _run("".join(_blocks("Send in one dialect, read in another")), program.data, program.url)
    sent, read, answer, alert = (json.loads(line) for line in output.replace("}{", "}\n{").splitlines())
    shown = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", _TEXT, re.DOTALL)]
    assert sent["data"] == shown[0]["data"] == {"user2": "success", "user3": "success"}
    assert sent.keys() == shown[0].keys()
    assert [message["text"] for message in read["result"]] == ["testmessage"]
    assert read["result"][0].keys() == shown[1]["result"][0].keys()
    assert (answer["status"], answer["response"]["messageKey"]) == ("success", answer["messageKey"])
    assert answer.keys() == shown[2].keys()
    (message,) = alert["data"]["messages"]
    assert (message["status"], message["text"]) == ("SUCCESS", "The disk is full")
    assert message.keys() == shown[3]["data"]["messages"][0].keys()


def test_the_commands_for_the_first_tenant(tmp_path: Path) -> None:
    (block,) = _blocks("The first production tenant, in five commands")
    *commands, serve = block.strip().splitlines()
    assert len(commands) == 4
    data = str(tmp_path / "data")
    output = _run("\n".join(commands), data)
    assert "acme is made" in output
    _, _, options = serve.partition(" serve ")
    assert options == "--host 0.0.0.0 --durable"
    # Tests listen on loopback only.
    with running(tmp_path / "run", "--durable", data=data) as program:
        assert program.readiness() == {"status": "ready"}
        assert _run(".venv/bin/chatgateway user list acme", data).split() == ["ann"]
