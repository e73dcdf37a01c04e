update carillon.run
   set attempt = attempt + 1,
       losses = losses + 1,
       crashes = crashes + case when started_by = $1 then 1 else 0 end,
       started_by = null,
       past_attempts = (case when jsonb_array_length("run"."past_attempts") >= 100 then "run"."past_attempts" - 0 else coalesce("run"."past_attempts", '[]') end)
         || jsonb_strip_nulls(jsonb_build_object('attempt', attempt, 'outcome', 'lost', 'replica', $2::int,
              'startedAt', $3::jsonb -> id::text, 'finishedAt', clock_timestamp()))
 where id = any($4::uuid[])
returning id, slot, losses, crashes,
          (select past.attempt -> 'error'
             from jsonb_array_elements(past_attempts) with ordinality as past (attempt, number)
            where past.attempt ? 'error' order by past.number desc limit 1) as "lastError";
