select mine.ticket::float8 as ticket,
       line.is_first and (holds.number = 0 or w.mode <> 'exclusive' and not holds.has_exclusive) as "isReady",
       case when holds.number = 0 and not line.is_first then 0 else holds."heldMs" end as "heldMs", holds."expiresInMs"
  from unnest($1::uuid[], $2::text[],
              $3::bigint[]) as mine (tenant_id, name, ticket)
  join carillon.lock_wait w on w.tenant_id = mine.tenant_id and w.name = mine.name and w.ticket = mine.ticket
  cross join lateral (
    select count(*) as number, coalesce(bool_or(h.mode = 'exclusive'), false) as has_exclusive,
           extract(epoch from clock_timestamp() - max(h.acquired_at))::float8 * 1000 as "heldMs",
           extract(epoch from min(nullif(h.expires_at, 'infinity')) - clock_timestamp())::float8 * 1000 as "expiresInMs"
      from carillon.lock_hold h
     where h.tenant_id = mine.tenant_id and h.name = mine.name and h.expires_at > clock_timestamp()) as holds
  cross join lateral (
    select carillon.first_in_line(mine.tenant_id, mine.name, w.holder) = w.holder as is_first) as line;
