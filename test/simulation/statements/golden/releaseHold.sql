select carillon.release_hold($1::uuid, $2::text, $3::bigint) as "wasHeld",
       array(select distinct line.replica
               from (select w.replica, row_number() over (order by w.ticket) as place,
                 bool_and(w.mode <> 'exclusive') over (order by w.ticket) as together
                       from carillon.lock_wait w
                      where w.tenant_id = $4 and w.name = $5 and w.until > clock_timestamp()
                        and exists (select from carillon.replica r where r.number = w.replica and r.state in ('active',
                          'draining'))
                      order by w.ticket
                      limit $6) line
              where line.place = 1 or line.together) as "nextAt";
