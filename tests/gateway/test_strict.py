"""The setting `strict_translation`, as an operator gives and takes it."""

import json
from pathlib import Path

from tests.gateway.callers import Answer, Call, ask_once, easemob_send
from tests.gateway.program import APPLICATION, Program, running, until
from tests.gateway.test_restart import logged, restart


def send_place(program: Program) -> Answer:
    """What Chat21, of which the demo tenant has an app, shows as text."""
    place = {"type": "loc", "lat": 39.9, "lng": 116.3, "addr": "Beijing"}
    body = {"from": "user1", "target_type": "users", "target": ["user2"], "msg": place}
    call = Call("POST", f"{APPLICATION}/messages", f"Bearer {program.token()}", json.dumps(body).encode())
    return ask_once(program.url, call)


def test_it_is_taken_from_the_settings_and_changed_by_a_restart(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text("strict_translation = true\n")
    with running(tmp_path, "--dev", "--config", str(config)) as program:
        refused = send_place(program)
        assert refused.status == 400
        assert "would lose something of this message" in json.loads(refused.text)["error_description"]
        (line,) = until(lambda: logged(program, "reason=loss"))  # the reply may be here before it
        assert "failure=unsupported" in line
        assert ask_once(program.url, easemob_send(program.token())).status == 200
        config.write_text("")
        restart(program)
        assert send_place(program).status == 200
        assert logged(program, "settings_need_a_stop_and_a_start") == []
