"""Where settings come from beside the file: a directory of secrets, the environment. Both refuse unknown names."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from typed_settings.dict_utils import set_path
from typed_settings.loaders import EnvLoader
from typed_settings.types import LoadedSettings, LoaderMeta, OptionList, SettingsClass

PREFIX = "CERTFERRY_"
_NESTED = "__"
# Read elsewhere: where to look for settings, the vault's master key, the bridge's token, the tests' own.
_OTHERS = ("CONFIG", "SECRETS_DIR", "MASTER_KEY", "BRIDGE_TOKEN", "TEST_DSN", "NO_APT")


class SettingsRefused(ValueError):
    """The settings cannot be used; the sentence says where and why, and quotes no secret."""


class SecretsLoader:
    """A file per setting, named by its path (`database.dsn`), as Kubernetes, Docker and systemd mount them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __call__(self, _: SettingsClass, options: OptionList) -> LoadedSettings:
        known = {option.path for option in options}
        values: dict[str, Any] = {}
        for file in self._files():
            if file.name not in known:
                raise SettingsRefused(f"The secrets directory holds {file.name}, which is no setting of certferry.")
            set_path(values, file.name, file.read_text(encoding="utf-8").strip())
        return LoadedSettings(values, LoaderMeta(self))

    def _files(self) -> Sequence[Path]:
        try:
            return sorted(
                file for file in self._directory.iterdir() if not file.name.startswith(".") and file.is_file()
            )
        except OSError as error:
            sentence = f"The secrets directory {self._directory} cannot be read: {error.strerror}."
            raise SettingsRefused(sentence) from None


class StrictEnvLoader(EnvLoader):
    """CERTFERRY_SECTION__NAME; a variable of that prefix that means nothing is an error, so that typing errors show."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        super().__init__(PREFIX, _NESTED)
        self._environment = environment

    def __call__(self, settings_cls: SettingsClass, options: OptionList) -> LoadedSettings:  # noqa: ARG002 - theirs
        names = {self.get_envvar(option): option.path for option in options}
        values: dict[str, Any] = {}
        for name, value in self._environment.items():
            if name in names:
                set_path(values, names[name], value)
            elif name.startswith(PREFIX) and name.removeprefix(PREFIX) not in _OTHERS:
                raise SettingsRefused(f"The environment variable {name} is no setting of certferry.")
        return LoadedSettings(values, LoaderMeta(self))
