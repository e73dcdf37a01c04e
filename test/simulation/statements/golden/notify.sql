select set_config('synchronous_commit', 'off', true), pg_notify($1, payload)
  from unnest($2::text[]) as hint (payload);
