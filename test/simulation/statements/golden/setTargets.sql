update carillon.slot_owner s
   set target = t.target, target_since = case when t.target is null then null else clock_timestamp() end
  from unnest($1::smallint[], $2::int[]) as t (slot, target)
 where s.slot = t.slot and s.target is distinct from t.target;
