-- Sums the answers of workers for `symtool groups plan`, with clickhouse-local or a server.
--
--   split -n l/16 events.ndjson part-
--   ls part-?? | xargs -P 16 -I{} sh -c 'symtool worker assess < {} > {}.new && mv {}.new {}.answers' &&
--     clickhouse local --queries-file clickhouse.sql
--   symtool groups plan --state monday.state --tallies tallies.ndjson --flows flows.ndjson -o tuesday.state

CREATE TABLE crashes ENGINE = Memory AS
SELECT
    crash,
    argMax(tuple("from", fingerprint, release, first_ms, last_ms, kind, title, frames), rank) AS a -- the report that says most
FROM file(
    'part-*.answers', 'JSONEachRow',
    'crash Nullable(String), rank String, "from" Nullable(String), fingerprint String, release Nullable(String), first_ms Nullable(Int64), last_ms Nullable(Int64), kind Nullable(String), title Nullable(String), frames Array(String)'
)
WHERE crash IS NOT NULL
GROUP BY crash;

CREATE TABLE sums ENGINE = Memory AS
SELECT
    a.1 AS "from", a.2 AS fingerprint, a.3 AS release, count() AS crashes, min(a.4) AS first_ms, max(a.5) AS last_ms,
    minIf(tuple(a.6, a.7, a.8), a.7 IS NOT NULL) AS made
FROM crashes
GROUP BY "from", fingerprint, release;

INSERT INTO FUNCTION file('tallies.ndjson', 'JSONEachRow')
SELECT fingerprint, release, crashes, first_ms, last_ms, made.1 AS kind, made.2 AS title, made.3 AS frames
FROM sums WHERE "from" IS NULL
SETTINGS output_format_json_quote_64bit_integers = 0, engine_file_truncate_on_insert = 1;

INSERT INTO FUNCTION file('flows.ndjson', 'JSONEachRow')
SELECT "from", fingerprint, release, crashes, first_ms, last_ms, made.1 AS kind, made.2 AS title, made.3 AS frames
FROM sums WHERE "from" IS NOT NULL
SETTINGS output_format_json_quote_64bit_integers = 0, engine_file_truncate_on_insert = 1;
