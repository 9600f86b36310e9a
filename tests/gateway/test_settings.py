"""Where settings come from, and what is said of wrong ones."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters_list import BUILT_IN
from gateway.limits import Limits
from gateway.listeners import Listener
from gateway.settings import Loaded, Settings, SettingsError, load
from gateway.settings_shown import hide_password, shown
from tests.gateway.certificates import new_certificate

SECRET = "canary-9d1e77"


def written(folder: Path, text: str) -> Path:
    path = folder / "gateway.toml"
    path.write_text(text)
    return path


def problems(
    config: Path | None = None, environment: Mapping[str, str] | None = None, options: Mapping[str, Any] | None = None
) -> list[str]:
    with pytest.raises(SettingsError) as error:
        load(config, environment or {}, options or {})
    assert str(error.value).splitlines() == error.value.problems
    return error.value.problems


def test_without_anything_the_defaults_hold() -> None:
    loaded = load(None, {"PATH": "/bin"}, {"port": None})
    assert loaded == Loaded(Settings(), {})
    assert loaded.settings.port == 8080
    assert loaded.settings.admin_port == 8081
    assert loaded.settings.host == "127.0.0.1"
    assert loaded.settings.data == "./chatgateway-data"
    assert loaded.settings.store_url is None


def test_options_go_before_the_environment_and_that_before_the_file(tmp_path: Path) -> None:
    config = written(tmp_path, 'host = "::1"\nport = 1\nadmin_port = 2\n[limits]\nbody_bytes = 3\nconnections = 4\n')
    environment = {"CHATGATEWAY_PORT": "10", "CHATGATEWAY_ADMIN_PORT": "20", "CHATGATEWAY_LIMITS__BODY_BYTES": "30"}
    loaded = load(config, environment, {"port": 100, "host": None})
    assert (loaded.settings.host, loaded.settings.port, loaded.settings.admin_port) == ("::1", 100, 20)
    assert loaded.settings.limits == Limits(body_bytes=30, connections=4)
    assert loaded.places == {
        ("host",): f"{config}: host",
        ("port",): "--port",
        ("admin_port",): "CHATGATEWAY_ADMIN_PORT",
        ("limits", "body_bytes"): "CHATGATEWAY_LIMITS__BODY_BYTES",
        ("limits", "connections"): f"{config}: limits.connections",
    }


def test_the_environment_names_the_file(tmp_path: Path) -> None:
    config = written(tmp_path, "port = 1\n")
    assert load(None, {"CHATGATEWAY_CONFIG": str(config)}, {}).settings.port == 1
    other = tmp_path / "other.toml"
    other.write_text("port = 2\n")
    assert load(other, {"CHATGATEWAY_CONFIG": str(config)}, {}).settings.port == 2


def test_text_of_the_environment_becomes_what_is_wanted() -> None:
    environment = {
        "CHATGATEWAY_DURABLE": "true",
        "CHATGATEWAY_DRAIN_SECONDS": "2.5",
        "CHATGATEWAY_HOST": "8",
        "CHATGATEWAY_READY_FILE": "",
        "CHATGATEWAY_LIMITS__LOSS_HEADER": "0",
        "CHATGATEWAY_LIMITS__TRUSTED_PROXIES": "10.0.0.0/8, ::1",
    }
    settings = load(None, environment, {}).settings
    assert settings == Settings(
        durable=True,
        drain_seconds=2.5,
        host="8",
        limits=Limits(loss_header=False, trusted_proxies=("10.0.0.0/8", "::1")),
    )


def test_everything_wrong_is_said_at_once_with_its_place(tmp_path: Path) -> None:
    config = written(
        tmp_path,
        'port = "8080"\nadmin_prot = 1\nlimits = 5\ndata = ""\n[dialects.easemob]\nno_such = 1\n[dialects.icq]\nx = 1\n',
    )
    environment = {
        "CHATGATEWAY_DRAIN_SECONDS": "soon",
        "CHATGATEWAY_LIMITS__BODY_BYTES": "0",
        "CHATGATEWAY_NONSENSE": "x",
    }
    assert problems(config, environment, {"admin_port": 70000, "workers": 0}) == [
        f"{config}: port: Expected `int`, got `str`",
        "--admin-port: Expected `int` <= 65535",
        f"{config}: data: Expected `str` of length >= 1",
        "CHATGATEWAY_DRAIN_SECONDS: Expected `float`, got `str`",
        "CHATGATEWAY_LIMITS__BODY_BYTES: Expected `int` >= 1",
        f"{config}: admin_prot: there is no such setting (did you mean admin_port?)",
        f"{config}: limits: must be a table",
        "CHATGATEWAY_NONSENSE: there is no such setting",
        "--workers: must be 1 to 64",
        f"{config}: dialects.icq.x: dialects.icq: there is no such dialect",
        f"{config}: dialects.easemob.no_such: dialects.easemob: Object contains unknown field `no_such`",
    ]


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"port": 7, "admin_port": 7}, "--admin-port: must differ from --port"),
        ({"redis": "http://x"}, "--redis: The store's URL must look like unix://…"),
        ({"redis": f"unix:///s?password={SECRET}"}, "--redis: The store's URL has nothing behind ? or #"),
        ({"redis": f"redis://x/0#{SECRET}"}, "--redis: The store's URL has nothing behind ? or #"),
        ({"redis": "redis://[x"}, "--redis: is not a URL"),
        ({"redis": "redis://x", "durable": True}, "--durable: is about the embedded server"),
        ({"redis_password": "x"}, "--redis-password: the embedded server has no password"),
        ({"redis": "redis://:y@x", "redis_password": "x"}, "--redis-password: --redis has a password already"),
        ({"drain_seconds": -1.0}, "--drain-seconds: Expected `float` >= 0"),
    ],
)
def test_what_does_not_go_together(settings: dict[str, Any], text: str) -> None:
    (problem,) = problems(options=settings)
    assert problem.startswith(text)


LISTENERS = """
tls_key = "/no/key"
[[listeners]]
dialect = "icq"
port = 8081
[[listeners]]
port = "x"
nonsense = 2
[[listeners]]
[[listeners]]
dialect = "chat21"
port = 8080
tls_cert = "/no/certificate"
[[listeners]]
dialect = "chat21"
port = 8080
host = "::1"
"""


def test_everything_wrong_with_listeners_is_said_at_once_with_its_place(tmp_path: Path) -> None:
    config = written(tmp_path, LISTENERS)
    place = f"{config}: listeners: number"
    known = ", ".join(BUILT_IN)
    assert problems(config) == [
        f"{place} 2: dialect is missing",
        f"{place} 2: port: Expected `int`, got `str`",
        f"{place} 2: nonsense: there is no such setting",
        f"{place} 3: dialect is missing",
        f"{place} 3: port is missing",
        f"{place} 1: must differ from admin_port",
        f"{place} 4: must differ from port",
        f"{config}: tls_key: there is a key without a certificate",
        f"{place} 4: /no/certificate cannot be read: No such file or directory",
        f"{place} 1: there is no dialect 'icq'; there are: {known}",
    ]
    name = "CHATGATEWAY_LISTENERS"
    assert problems(config, {name: "chat21=x, easemob, icq=1"}, {"tls_cert": str(config)}) == [
        f"{name}: number 1: port: Expected `int`, got `str`",
        f"{name}: number 2: must be DIALECT=PORT or DIALECT=HOST:PORT",
        "--tls-cert: /no/key cannot be read: No such file or directory",
        f"{name}: number 3: there is no dialect 'icq'; there are: {known}",
    ]
    assert problems(options={"listeners": ("chat21=1", "easemob=1")}) == [
        "--listen: number 2: must differ from --listen: number 1"
    ]
    wanted = "must be [[listeners]], a table for each"
    assert problems(written(tmp_path, "[listeners]\nport = 1\n")) == [f"{config}: listeners.port: {wanted}"]
    assert problems(written(tmp_path, "listeners = 5\n")) == [f"{config}: listeners: {wanted}"]


def test_the_nearest_source_says_which_listeners_there_are(tmp_path: Path) -> None:
    config = written(tmp_path, '[[listeners]]\ndialect = "chat21"\nport = 8004\nhost = "::1"\n')
    environment = {"CHATGATEWAY_LISTENERS": "easemob=1, chat21=[::1]:0"}
    assert load(config, {}, {"listeners": ()}).settings.listeners == (
        Listener(dialect="chat21", port=8004, host="::1"),
    )
    loaded = load(config, environment, {})
    assert loaded.settings.listeners == (
        Listener(dialect="easemob", port=1),
        Listener(dialect="chat21", port=0, host="::1"),
    )
    assert load(config, environment, {"listeners": ("chat21=2",)}).settings.listeners == (
        Listener(dialect="chat21", port=2),
    )
    read = tomllib.loads(shown(loaded))
    assert read["listeners"] == [{"dialect": "easemob", "port": 1}, {"dialect": "chat21", "port": 0, "host": "::1"}]
    assert "[[listeners]]  # CHATGATEWAY_LISTENERS\n" in shown(loaded)
    again = written(tmp_path, shown(loaded))
    assert load(again, {}, {}).settings == loaded.settings


def test_the_path_of_a_key_is_no_secret(tmp_path: Path) -> None:
    certificate = new_certificate(tmp_path)
    files = {"tls_cert": str(certificate.file), "tls_key": str(certificate.key_file)}
    assert tomllib.loads(shown(load(None, {}, files)))["tls_key"] == files["tls_key"]
    assert problems(environment={"CHATGATEWAY_TLS_KEY_FILE": "/x"}) == [
        "CHATGATEWAY_TLS_KEY_FILE: there is no such setting"
    ]


def test_a_check_of_a_whole_table_is_said_with_its_place() -> None:
    (problem,) = problems(environment={"CHATGATEWAY_LIMITS__TRUSTED_PROXIES": "10.0.0.0/8,nowhere"})
    assert problem.startswith("limits: ")
    assert "nowhere" in problem


@pytest.mark.parametrize(
    ("content", "text"),
    [(None, "cannot be read: No such file"), (b"port = ", "is not TOML: "), (b"\xff", "is not UTF-8 text")],
)
def test_a_file_that_is_none(tmp_path: Path, content: bytes | None, text: str) -> None:
    path = tmp_path / "gateway.toml"
    if content is not None:
        path.write_bytes(content)
    assert [problem.startswith(f"{path}: {text}") for problem in problems(path)] == [True]


def test_secrets_come_from_files(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(f"{SECRET}/@\n")
    config = written(tmp_path, f'redis = "redis://me@store:6380/2"\nredis_password_file = "{tmp_path / "secret"}"\n')
    loaded = load(config, {}, {})
    assert loaded.settings.redis_password == f"{SECRET}/@"
    assert loaded.settings.store_url == f"redis://me:{SECRET}%2F%40@store:6380/2"
    assert loaded.places[("redis_password",)] == f"{config}: redis_password_file"
    # A nearer source wins, whichever of the two it gives.
    nearer = load(config, {"CHATGATEWAY_REDIS_PASSWORD": "other"}, {})
    assert nearer.settings.redis_password == "other"


def test_a_secret_file_that_is_missing_empty_or_one_too_many(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    url = {"CHATGATEWAY_REDIS": "redis://x"}
    name = "CHATGATEWAY_REDIS_PASSWORD_FILE"
    assert problems(environment={**url, name: str(tmp_path / "no")}) == [
        f"{name}: the file cannot be read: No such file or directory"
    ]
    assert problems(environment={**url, name: str(tmp_path / "empty")}) == [f"{name}: the file is empty"]
    assert problems(environment={**url, name: "x", "CHATGATEWAY_REDIS_PASSWORD": SECRET}) == [
        f"{name}: CHATGATEWAY_REDIS_PASSWORD is given too: only one of the two is possible"
    ]


def test_options_of_a_dialect_reach_its_adapter_from_everywhere(tmp_path: Path) -> None:
    config = written(tmp_path, "[dialects.easemob]\nopen_registration = true\nmessage_body_limit_bytes = 1\n")
    environment = {"CHATGATEWAY_DIALECTS__EASEMOB__MESSAGE_BODY_LIMIT_BYTES": "9000"}
    settings = load(config, environment, {}).settings
    assert settings.dialects == {"easemob": {"open_registration": True, "message_body_limit_bytes": 9000}}
    environment = {"CHATGATEWAY_DIALECTS__EASEMOB__OPEN_REGISTRATION__DEEPER": "1"}
    assert problems(config, environment)[0].endswith("`object` - at `$.open_registration`")
    (problem,) = problems(environment={"CHATGATEWAY_DIALECTS__EASEMOB__OPEN_REGISTRATION": "perhaps"})
    assert problem.startswith("CHATGATEWAY_DIALECTS__EASEMOB__OPEN_REGISTRATION: ")


def test_what_is_shown_is_toml_with_places_and_without_secrets(tmp_path: Path) -> None:
    config = written(tmp_path, f'redis = "redis://me:{SECRET}@store"\n[limits]\nbody_bytes = 5\n')
    loaded = load(config, {"CHATGATEWAY_HOST": 'a "quoted" host'}, {"port": 9})
    # Tables of dialects are free: what is called like a secret there is hidden as well.
    settings = Settings(
        host=loaded.settings.host,
        port=9,
        redis=loaded.settings.redis,
        redis_password=SECRET,
        limits=loaded.settings.limits,
        dialects={"other": {"api_key": SECRET, "nested": {"signing_secret": SECRET, "size": 1}}},
    )
    text = shown(Loaded(settings, loaded.places))
    assert SECRET not in text
    read = tomllib.loads(text)
    assert read["redis"] == "redis://me:***@store"
    assert read["redis_password"] == "***"
    assert read["host"] == 'a "quoted" host'
    assert read["limits"]["body_bytes"] == 5
    assert read["dialects"] == {"other": {"api_key": "***", "nested": {"signing_secret": "***", "size": 1}}}
    assert "port = 9  # --port\n" in text
    assert f"body_bytes = 5  # {config}: limits.body_bytes\n" in text
    assert "admin_port = 8081  # default\n" in text


def test_no_problem_repeats_a_secret(tmp_path: Path) -> None:
    environment = {
        "CHATGATEWAY_REDIS": f"redis://:{SECRET}@x:port",
        "CHATGATEWAY_REDIS_PASSWORD": SECRET,
        "CHATGATEWAY_REDIS_PASSWROD": SECRET,
        "CHATGATEWAY_PORT": SECRET,
    }
    found = problems(environment=environment)
    assert len(found) >= 3
    assert SECRET not in "\n".join(found)


def test_only_the_password_of_a_url_is_hidden() -> None:
    assert hide_password("redis://user:secret@host:1/2") == "redis://user:***@host:1/2"
    assert hide_password("redis://:secret@host") == "redis://:***@host"
    assert hide_password("redis://host:1") == "redis://host:1"
    assert hide_password("unix:///run/s") == "unix:///run/s"


@pytest.mark.parametrize("files", ["./files", "/mnt/files", "s3://bucket", "s3://bucket/a/prefix"])
def test_files_lie_in_a_folder_or_a_bucket(files: str) -> None:
    assert load(None, {"CHATGATEWAY_FILES": files}, {}).settings.files == files


@pytest.mark.parametrize("files", ["s3://", "s3:///prefix", "gs://bucket", "https://elsewhere.test/x"])
def test_files_lie_nowhere_else(files: str) -> None:
    (found,) = problems(environment={"CHATGATEWAY_FILES": files})
    assert found.startswith("CHATGATEWAY_FILES: ")
