insert into carillon.run (id, tenant_id, slot, job_type, queue, concurrency_key, tags, payload, priority, deadline,
  run_at,
                          unique_key, unique_window)
select r.id, r.tenant_id, r.slot, r.job_type, r.queue, r.concurrency_key,
       case when r.tags is not null then array(select jsonb_array_elements_text(r.tags::jsonb)) end,
       r.payload::jsonb, r.priority, r.deadline, coalesce(r.run_at,
         clock_timestamp() + make_interval(secs => r.delay_ms / 1000)),
       r.unique_key, make_interval(secs => r.unique_window_ms / 1000)
  from unnest($1::uuid[],
              $2::uuid[],
              $3::smallint[],
              $4::text[],
              $5::text[],
              $6::text[],
              $7::text[],
              $8::text[],
              $9::smallint[],
              $10::timestamptz[],
              $11::timestamptz[],
              $12::float8[],
              $13::text[],
              $14::float8[])
    as r (id, tenant_id, slot, job_type, queue, concurrency_key, tags, payload, priority, deadline, run_at, delay_ms,
          unique_key, unique_window_ms);
