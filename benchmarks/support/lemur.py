"""What Netflix Lemur asks its database when somebody looks for a certificate by name, over the same certificates.

Its tables as far as the questions need them (certificates, domains, and which certificate has which domain; the columns
that its pages show, and the PEM that comes along), its indexes, and its two statements: the count for the pages, then
the page, newest first. Its indexes with the extension pg_trgm are made where the server has it. What its
object-relational mapper asks besides for every row of the page (some ten statements each) is left out.
"""

from collections.abc import Callable

import psycopg

_TABLES = """
DROP SCHEMA IF EXISTS lemur CASCADE;
CREATE SCHEMA lemur;
CREATE TABLE lemur.certificates (
    id serial PRIMARY KEY, cn varchar(128), name varchar(256), owner varchar(128), issuer varchar(128), body text,
    chain text, not_before timestamptz, not_after timestamptz, date_created timestamptz, serial varchar(128)
);
CREATE TABLE lemur.domains (id serial PRIMARY KEY, name varchar(256));
CREATE TABLE lemur.certificate_associations (domain_id integer, certificate_id integer);
INSERT INTO lemur.certificates (cn, name, owner, issuer, body, chain, not_before, not_after, date_created, serial)
SELECT common_name, common_name || '-' || created_position, owner, left(issuer, 128), encode(der, 'base64'),
       encode(chain[1], 'base64'), not_before, not_after, created_at, created_position::text
FROM read.inventory ORDER BY created_position;
INSERT INTO lemur.domains (id, name) SELECT 2 * id, cn FROM lemur.certificates
UNION ALL SELECT 2 * id + 1, 'www.' || cn FROM lemur.certificates;
INSERT INTO lemur.certificate_associations SELECT id, id / 2 FROM lemur.domains;
CREATE UNIQUE INDEX ON lemur.certificate_associations (domain_id, certificate_id);
CREATE INDEX ON lemur.certificate_associations (certificate_id);
CREATE INDEX ON lemur.certificates (not_after);
CREATE INDEX ON lemur.domains (name);
ANALYZE lemur.certificates; ANALYZE lemur.domains; ANALYZE lemur.certificate_associations;
"""
_TRIGRAMS = """
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX ON lemur.certificates USING gin (cn gin_trgm_ops);
CREATE INDEX ON lemur.domains USING gin (name gin_trgm_ops);
"""
_FOUND = """
FROM lemur.certificates WHERE lower(certificates.cn) LIKE %(term)s OR EXISTS (
    SELECT 1 FROM lemur.certificate_associations a, lemur.domains d
    WHERE certificates.id = a.certificate_id AND d.id = a.domain_id AND lower(d.name) LIKE %(term)s)
"""
_COUNT = f"SELECT count(*) FROM (SELECT certificates.* {_FOUND}) AS anon_1"
_PAGE = f"SELECT certificates.* {_FOUND} ORDER BY certificates.id DESC LIMIT 50 OFFSET 0"
Search = Callable[[str], int]


def lemur(connection: psycopg.Connection[tuple[int, ...]]) -> tuple[Search, bool]:
    """Its search, which answers how many rows its page has; and whether there are trigram indexes."""
    connection.execute(_TABLES)
    has_trigrams = bool(connection.execute("SELECT FROM pg_available_extensions WHERE name = 'pg_trgm'").fetchone())
    if has_trigrams:
        connection.execute(_TRIGRAMS)

    def search(term: str) -> int:
        wanted = {"term": f"%{term.lower()}%"}
        connection.execute(_COUNT, wanted).fetchone()
        return len(connection.execute(_PAGE, wanted).fetchall())

    return search, has_trigrams
