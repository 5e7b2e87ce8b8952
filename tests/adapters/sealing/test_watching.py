"""How sealing stands, seen by the service: readiness, figures, `certferry doctor`."""

from pathlib import Path

import psycopg
import typed_settings as ts

from adapters.bootstrap import open_core
from adapters.diagnosis import diagnose
from adapters.health import Health
from adapters.sealing.self_check import SelfCheck
from adapters.sealing.watching import PostgresSealingWatch
from adapters.settings import Database, Settings
from tests.adapters.sealing.ledgers import as_sealer, fill, seal
from tests.support.postgres import Pg


async def test_the_state_follows_what_is_done(pg: Pg, tmp_path: Path) -> None:
    """Nothing yet, waiting, sealed, checked, in trouble, stopped."""
    settings = Settings(data=tmp_path, database=Database(dsn=ts.SecretStr(pg.app_dsn)))

    async def finding() -> tuple[bool, str]:
        [found] = [each for each in await diagnose(settings) if each.name == "sealing"]
        return found.well, found.detail

    async with open_core(settings) as core, Health(core.rows) as health:
        watch = PostgresSealingWatch(core.rows)
        before = await core.house.log.head()
        assert (before, 0) == ((await watch.state()).head, (await watch.state()).sealed)
        await fill(pg, 10 - before)
        waiting = await watch.state()
        assert waiting.waiting is not None
        assert waiting.checked is None
        assert (False, "nothing was sealed yet: start `certferry seal`") == await finding()
        assert None is await health.sealing()

        seal(pg, tmp_path / "keys")
        sealed = await watch.state()
        assert (10, 10, None) == (sealed.head, sealed.sealed, sealed.waiting)
        assert sealed.checked is not None
        assert (True, "10 of 10 events are sealed") == await finding()

        with as_sealer(pg) as connection:
            SelfCheck(connection, every=0).step(10, "syslog: no answer")
        assert "syslog: no answer" == (await watch.state()).trouble
        assert (False, "syslog: no answer") == await finding()

        with psycopg.connect(pg.sealer_dsn, autocommit=True) as connection:
            connection.execute("SELECT ledger.stop_sealing(7, 'position 7: the event is missing')")
        assert "position 7: the event is missing" == (await watch.state()).stopped
        assert (False, "position 7: the event is missing") == await finding()
        said = await health.sealing()
        assert said is not None
        assert "position 7" in said
        assert (10.0, 1.0) == (health.figures["sealed_position"], health.figures["sealing_stopped"])
