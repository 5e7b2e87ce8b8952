"""Can the role that asks change what is recorded? It must not: whoever takes over the service could rewrite history."""

from typing import Any

from psycopg import AsyncConnection, Connection

# What the role is, or may, that lets it change a table of the ledger, and what of the tables' own protection is gone.
_QUERY = """
SELECT 'it is a superuser' FROM pg_roles WHERE rolname = current_user AND rolsuper
UNION ALL
SELECT format('it owns %s, or may become its owner', c.oid::regclass)
FROM pg_class c WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind = 'r'
    AND pg_has_role(current_user, c.relowner, 'MEMBER')
UNION ALL
SELECT format('it may %s on %s', p.privilege, c.oid::regclass)
FROM pg_class c, unnest(ARRAY['INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'TRIGGER', 'REFERENCES']) p(privilege)
WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind = 'r'
    AND has_table_privilege(current_user, c.oid, p.privilege)
UNION ALL
SELECT format('the trigger %s of %s is disabled', t.tgname, t.tgrelid::regclass)
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE c.relnamespace = 'ledger'::regnamespace AND NOT t.tgisinternal AND t.tgenabled NOT IN ('O', 'A')
UNION ALL
SELECT format('%s is not logged: a crash empties it', c.oid::regclass)
FROM pg_class c WHERE c.relnamespace = 'ledger'::regnamespace AND c.relkind = 'r' AND c.relpersistence <> 'p'
"""


def weaknesses(connection: Connection[Any]) -> list[str]:
    """Why the ledger is not append-only for the role of this connection, a clause each; none where it is."""
    return _worst(connection.execute(_QUERY).fetchall())


async def weaknesses_async(connection: AsyncConnection[Any]) -> list[str]:
    """`weaknesses` for an asynchronous connection."""
    return _worst(await (await connection.execute(_QUERY)).fetchall())


def _worst(rows: list[tuple[str]]) -> list[str]:
    """A superuser may everything: one clause says it."""
    clauses = [clause for (clause,) in rows]
    return [clause for clause in clauses if "superuser" in clause] or clauses
