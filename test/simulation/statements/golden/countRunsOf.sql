select t.id, carillon.count_runs(t.id, t.max_queued) as count
  from unnest($1::uuid[],
              $2::integer[]) as t (id, max_queued);
