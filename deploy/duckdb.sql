-- Sums the answers of workers for `symtool groups plan`, on one machine, from files.
--
--   split -n l/16 events.ndjson part-
--   ls part-?? | xargs -P 16 -I{} sh -c 'symtool worker assess < {} > {}.new && mv {}.new {}.answers' &&
--     duckdb < duckdb.sql
--   symtool groups plan --state monday.state --tallies tallies.ndjson --flows flows.ndjson -o tuesday.state
--
-- For the next night, give each report what came of it: {"report": TEXT, "was": {"fingerprint": …, "digest": …, "resolved": …}}.

CREATE TEMP TABLE crashes AS
SELECT unnest(max_by(answer, answer.rank)) -- of several reports of one crash, the one that says most
FROM read_json(
    'part-*.answers',
    format = 'newline_delimited',
    columns = {
        status: 'VARCHAR', crash: 'VARCHAR', rank: 'VARCHAR', fingerprint: 'VARCHAR', "from": 'VARCHAR', kind: 'VARCHAR',
        title: 'VARCHAR', frames: 'VARCHAR[]', release: 'VARCHAR', first_ms: 'BIGINT', last_ms: 'BIGINT'
    }
) AS answer
WHERE crash IS NOT NULL
GROUP BY crash;

CREATE TEMP TABLE sums AS
SELECT
    "from", fingerprint, release, count(*) AS crashes, min(first_ms) AS first_ms, max(last_ms) AS last_ms,
    min({'kind': kind, 'title': title, 'frames': frames}) FILTER (title IS NOT NULL) AS made
FROM crashes
GROUP BY "from", fingerprint, release;

COPY (SELECT * EXCLUDE ("from", made), made.* FROM sums WHERE "from" IS NULL) TO 'tallies.ndjson' (FORMAT json);
COPY (SELECT * EXCLUDE (made), made.* FROM sums WHERE "from" IS NOT NULL) TO 'flows.ndjson' (FORMAT json);
