select pg_catalog.pg_backend_pid() as pid, pg_catalog.pg_is_in_recovery() as "isStandby",
       (select pg_catalog.jsonb_object_agg(name, setting) from pg_catalog.pg_settings
         where name operator(pg_catalog.=) any($1::pg_catalog.text[])) as settings,
       (select schema from pg_catalog.unnest(pg_catalog.current_schemas(true)) with ordinality as path (schema, place)
         where schema operator(pg_catalog.!~) '^pg_temp' order by place limit 1) as "firstSchema";
