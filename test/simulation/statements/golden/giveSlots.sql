update carillon.slot_owner s
   set owner = g.receiver, epoch = s.epoch + 1, target = null, target_since = null
  from unnest($1::smallint[],
              $2::int[],
              $3::int[]) as g (slot, giver, receiver)
 where s.slot = g.slot and s.owner is not distinct from g.giver;
