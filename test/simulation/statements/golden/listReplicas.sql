select r.number, r.incarnation, r.name, r.host, r.pid, r.url, r.public_url as "publicUrl", r.version, r.roles, r.weight,
  r.preference, r.state,
       r.started_at as "startedAt", r.ended_at as "endedAt", r.died_reason as "diedReason", h.beat_at as "beatAt",
       round(extract(epoch from clock_timestamp() - h.beat_at) * 1000)::int as "beatAgeMs",
       (select count(*) from carillon.slot_owner s where s.owner = r.number) as "ownedSlots"
  from carillon.replica r join carillon.heartbeat h on h.replica = r.number
 where r.state in ('active', 'draining')
    or r.number in (select number from carillon.replica
                     where state not in ('active', 'draining') order by number desc limit $1)
 order by r.number desc;
