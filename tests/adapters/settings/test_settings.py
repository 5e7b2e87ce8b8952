"""Settings come from a file, a directory of secrets and the environment; typing errors never pass in silence."""

from pathlib import Path

import pytest

from adapters.settings import Settings, SettingsRefused, load_settings

CANARY = "canary-3f9c"


def test_defaults_without_anything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing has to be set but the database, and the sentence says how."""
    monkeypatch.chdir(tmp_path)
    settings = load_settings(environment={})
    assert settings == Settings()
    with pytest.raises(SettingsRefused, match="CERTFERRY_DATABASE__DSN"):
        _ = settings.dsn


def test_a_file_in_the_working_directory_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`certferry.toml` where the program is started counts without being named."""
    (tmp_path / "certferry.toml").write_text("[verification]\nevery = 10\nallow = ['127.0.0.0/8', '::1']\n")
    monkeypatch.chdir(tmp_path)
    verification = load_settings(environment={}).verification
    assert (10, ("127.0.0.0/8", "::1")) == (verification.every, verification.allow)


def test_the_later_source_wins(tmp_path: Path) -> None:
    """Environment over secrets over file."""
    file, secrets = tmp_path / "my settings.toml", tmp_path / "secrets"
    secrets.mkdir()
    file.write_text("[database]\ndsn = 'of the file'\nowner_dsn = 'of the file'\n[server]\nport = 1\n")
    (secrets / "database.dsn").write_text("of the secrets\n")
    (secrets / "server.port").write_text("2")
    (secrets / "..data").mkdir()
    environment = {"CERTFERRY_SECRETS_DIR": str(secrets), "CERTFERRY_SERVER__PORT": "3", "HOME": "/"}
    settings = load_settings(file, environment)
    assert ("of the secrets", "of the file", 3) == (settings.dsn, settings.owner_dsn, settings.server.port)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (f"[databse]\ndsn = '{CANARY}'", "databse"),
        (f"[database]\ndns = '{CANARY}'", "database.dns"),
        (f"[server]\nport = '{CANARY}'", "server.port"),
        ("[server]\nport = ", "Invalid value"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path: Path, text: str, named: str) -> None:
    """Unknown keys, wrong types and broken TOML are named; values are not quoted, one of them may be a secret."""
    file = tmp_path / "certferry.toml"
    file.write_text(text)
    with pytest.raises(SettingsRefused, match=named) as caught:
        load_settings(file, {})
    assert CANARY not in str(caught.value)


def test_an_unknown_variable_is_refused() -> None:
    """CERTFERRY_DATABSE__DSN would otherwise be ignored in silence."""
    with pytest.raises(SettingsRefused, match="CERTFERRY_DATABSE__DSN") as caught:
        load_settings(environment={"CERTFERRY_DATABSE__DSN": CANARY})
    assert CANARY not in str(caught.value)


def test_an_unknown_secret_is_refused(tmp_path: Path) -> None:
    """A file of the secrets directory that is no setting."""
    (tmp_path / "dsn").write_text(CANARY)
    with pytest.raises(SettingsRefused, match="holds dsn") as caught:
        load_settings(environment={"CERTFERRY_SECRETS_DIR": str(tmp_path)})
    assert CANARY not in str(caught.value)


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    """A file that was named is needed."""
    with pytest.raises(SettingsRefused, match="no configuration file"):
        load_settings(tmp_path / "certferry.toml", {})


def test_secrets_are_masked() -> None:
    """Printed settings show that a secret is set, not which."""
    shown = repr(load_settings(environment={"CERTFERRY_DATABASE__DSN": f"postgresql://x:{CANARY}@h/d"}))
    assert CANARY not in shown
    assert "***" in shown
