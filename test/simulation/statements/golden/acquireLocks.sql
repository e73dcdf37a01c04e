select name, token::float8 as token, nullif(expires_at, 'infinity') as "expiresAt", ticket::float8 as ticket
  from carillon.acquire_locks(
         $1::uuid, $2::text, $3::text[], $4::text[],
         $5::integer[], $6 * interval '1 ms', $7::boolean,
         $8::float8 * interval '1 ms', $9::integer);
