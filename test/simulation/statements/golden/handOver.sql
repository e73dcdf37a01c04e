update carillon.slot_owner
   set owner = target, epoch = epoch + 1, target = null, target_since = null
 where owner = $1 and slot = any($2::smallint[]) and target is not null
returning slot;
