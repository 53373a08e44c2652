-- Everything of keyholder lies in tables and views that begin with kh_, so that a host
-- can keep its own tables in the same file. Times are nanoseconds since 1970 in UTC.
-- Lists in one column (terms, uses, reservers, parked, counts, leaves) are written as in
-- the query of a URL: name=value&name=value, a name alone has no value.

CREATE TABLE kh_tenants (
    tenant TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE kh_records (
    tenant  TEXT NOT NULL,
    kind    TEXT NOT NULL,
    id      TEXT NOT NULL,
    version INTEGER NOT NULL,
    body    TEXT NOT NULL,
    terms   TEXT NOT NULL,
    PRIMARY KEY (tenant, kind, id)
) STRICT;

CREATE TABLE kh_terms (
    tenant TEXT NOT NULL,
    kind   TEXT NOT NULL,
    name   TEXT NOT NULL,
    value  BLOB NOT NULL,
    id     TEXT NOT NULL,
    PRIMARY KEY (tenant, kind, name, value, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE kh_names (
    tenant     TEXT NOT NULL,
    name       BLOB NOT NULL,
    holder     TEXT NOT NULL,
    uses       TEXT NOT NULL,
    reservers  TEXT NOT NULL,
    rests_for  TEXT NOT NULL,
    rest_until INTEGER,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX kh_names_resting ON kh_names (rest_until) WHERE rest_until IS NOT NULL;

CREATE TABLE kh_counters (
    tenant  TEXT NOT NULL,
    counter TEXT NOT NULL,
    value   INTEGER NOT NULL,
    until   INTEGER NOT NULL,
    PRIMARY KEY (tenant, counter)
) STRICT, WITHOUT ROWID;

CREATE INDEX kh_counters_until ON kh_counters (until);

CREATE TABLE kh_lines (
    tenant   TEXT NOT NULL,
    line     TEXT NOT NULL,
    gen      INTEGER NOT NULL,
    due      INTEGER,
    owner    TEXT NOT NULL,
    token    INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    parked   TEXT NOT NULL,
    PRIMARY KEY (tenant, line)
) STRICT, WITHOUT ROWID;

CREATE INDEX kh_lines_due ON kh_lines (tenant, due) WHERE due IS NOT NULL;

CREATE TABLE kh_nodes (
    node  TEXT NOT NULL PRIMARY KEY,
    until INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A commit writes an entry at the end of kh_leaves and of kh_tree. Every 64 entries are
-- listed in kh_targets together; those since the last number that 64 divides are not there.
CREATE TABLE kh_leaves (
    n       INTEGER NOT NULL PRIMARY KEY, -- in the order of writing, over all tenants
    tenant  TEXT NOT NULL,
    id      TEXT NOT NULL,
    at      INTEGER NOT NULL,
    action  TEXT NOT NULL,
    targets TEXT NOT NULL, -- a JSON list of hexadecimal texts
    idx     INTEGER,       -- the place in the log, once it has one
    hash    BLOB NOT NULL,
    body    BLOB NOT NULL
) STRICT;

CREATE UNIQUE INDEX kh_leaves_id ON kh_leaves (tenant, id);

CREATE TABLE kh_targets (
    tenant TEXT NOT NULL,
    target BLOB NOT NULL,    -- empty: what every entry is found by
    at     INTEGER NOT NULL,
    id     TEXT NOT NULL,
    leaf   INTEGER NOT NULL, -- n of the entry
    PRIMARY KEY (tenant, target, at, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE kh_tree (
    tenant TEXT NOT NULL,
    idx    INTEGER NOT NULL,
    leaf   INTEGER NOT NULL, -- n of the entry
    hashes BLOB NOT NULL,    -- of the leaf and of each subtree that it completes, the smallest first
    PRIMARY KEY (tenant, idx)
) STRICT, WITHOUT ROWID;

CREATE TABLE kh_changes (
    tenant TEXT NOT NULL,
    id     TEXT NOT NULL,
    at     INTEGER NOT NULL,
    counts TEXT NOT NULL,
    leaves TEXT NOT NULL,
    PRIMARY KEY (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX kh_changes_at ON kh_changes (at);
