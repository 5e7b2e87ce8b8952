"""`certferry keys`: the master key of the vault, where it is, and how it is replaced by another one."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from api.cli.printing import Stopped, answer, answer_rows, json_option, pass_config, progress, settings_of, with_core

if TYPE_CHECKING:
    from adapters.bootstrap import Core


@click.group()
def keys() -> None:
    """List, rotate and retire master keys. The secrets of the vault are sealed by the first one."""


@keys.command("list")
@json_option
@pass_config
def list_keys(config: Path | None, *, as_json: bool) -> None:
    """The master keys, where they are from, and how many values each has sealed."""

    async def act(core: "Core") -> list[dict[str, Any]]:
        from adapters.keys.key_source import load_keys
        from adapters.keys.rotating import sealed_by

        found, sealed = load_keys(core.settings), await sealed_by(core.database)
        known = (found.current, *found.former)
        rows = [
            {
                "key_id": each.key_id.hex(),
                "state": "current" if each is found.current else "former",
                "source": found.source,
                "values": sealed.pop(each.key_id, 0),
            }
            for each in known
        ]
        lost = [{"key_id": k.hex(), "state": "unknown", "source": "", "values": n} for k, n in sealed.items()]
        return rows + lost

    answer_rows(with_core(config, act), as_json=as_json)


@keys.command()
@json_option
@pass_config
def rotate(config: Path | None, *, as_json: bool) -> None:
    """Seal every value of the vault anew by the current master key.

    Where the keys are in a file, and no rotation was cut short, a new key is made first. The service goes on meanwhile;
    former keys stay until they are retired. Cut short, it goes on where it was.
    """

    async def act(core: "Core") -> dict[str, Any]:
        from adapters.keys.replacing import replace_master_key
        from api.cli.acting import by_hand
        from application.key_rotating import record_rotation

        with progress("sealing anew", None) as show:
            found = await replace_master_key(core.settings, core.database, lambda done, _all: show(done))
        if not found.values:
            return {"key_id": found.key_id, "values": 0, "unopened": list(found.unopened)}
        position = await record_rotation(
            core.house, by_hand(core.house), key_id=found.key_id, former=found.former, values=found.values
        )
        return {
            "key_id": found.key_id,
            "former_key_ids": list(found.former),
            "values": found.values,
            "unopened": list(found.unopened),
            "position": position,
        }

    found = with_core(config, act)
    people = f"{found['values']} values were sealed anew by the master key {found['key_id']}."
    answer(found, people, as_json=as_json)
    if found["unopened"]:
        raise Stopped(f"No key opens these, they stayed as they are: {'; '.join(found['unopened'])}.")


@keys.command("make-hsm-key")
@json_option
@pass_config
def make_hsm_key(config: Path | None, *, as_json: bool) -> None:
    """Make the master key on the PKCS#11 token of the settings; it never leaves it."""
    from adapters.keys.pkcs11_key import make_key

    vault = settings_of(config).vault
    if vault.pkcs11_module is None:
        raise Stopped("No module is set: vault.pkcs11_module.", 2)
    make_key(vault)
    answer({"made": vault.pkcs11_key}, f"Made {vault.pkcs11_key} on {vault.pkcs11_token}.", as_json=as_json)


@keys.command("retire")
@click.argument("key_id")
@json_option
@pass_config
def retire_key(config: Path | None, key_id: str, *, as_json: bool) -> None:
    """Nothing may be sealed by KEY_ID any more; it is taken out of the file where the keys are in one.

    Refused while it has sealed anything. Beside a hardware module the file stays as it is: remove it.
    """

    async def act(core: "Core") -> dict[str, Any]:
        from adapters.keys.replacing import retire_master_key
        from api.cli.acting import by_hand
        from application.key_rotating import record_retirement

        await retire_master_key(core.settings, core.database, key_id)
        return {"retired": key_id, "position": await record_retirement(core.house, by_hand(core.house), key_id)}

    answer(with_core(config, act), f"Retired {key_id}. Copies of it may be destroyed.", as_json=as_json)
