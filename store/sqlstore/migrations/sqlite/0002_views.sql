-- Views for people. A body that is no JSON shows as NULL in the columns taken from it.

CREATE VIEW kh_users AS
SELECT tenant, id, version,
       CASE WHEN json_valid(body) THEN json_extract(body, '$.panel') END AS panel,
       CASE WHEN json_valid(body) THEN json_extract(body, '$.site') END AS site,
       body
FROM kh_records WHERE kind = 'user';

CREATE VIEW kh_panels AS
SELECT tenant, id, version,
       CASE WHEN json_valid(body) THEN json_extract(body, '$.name') END AS name,
       CASE WHEN json_valid(body) THEN json_extract(body, '$.site') END AS site,
       body
FROM kh_records WHERE kind = 'panel';

CREATE VIEW kh_accounts AS
SELECT tenant, id, version,
       CASE WHEN json_valid(body) THEN json_extract(body, '$.username') END AS username,
       CASE WHEN json_valid(body) THEN json_extract(body, '$.suspended.at') END AS suspended,
       CASE WHEN json_valid(body) THEN json_extract(body, '$.removed') END AS removed,
       body
FROM kh_records WHERE kind = 'account';

CREATE VIEW kh_log AS
SELECT tenant,
       strftime('%Y-%m-%dT%H:%M:%S', at / 1000000000 - (at % 1000000000 < 0), 'unixepoch')
           || printf('.%09dZ', (at % 1000000000 + 1000000000) % 1000000000) AS time,
       action, idx AS "index", id, targets
FROM kh_leaves;
