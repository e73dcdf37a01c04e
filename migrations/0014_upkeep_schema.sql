-- Where does pg-boss keep the control plane's own work? In a schema of its own, so that a pg-boss of the users', which lives
-- in `pgboss` unless told otherwise, is never migrated to our version. pg-boss makes its tables there when a replica starts.
-- Nothing is moved: its functions name their schema, and replicas of the previous version still work in the old one. Their
-- jobs are asked for anew every hour; what is left of our queues in `pgboss` is removed by replicas as they start.
-- Looked for first, because `if not exists` wants the right to make schemas even where there is nothing to make.
do $$
begin
  if to_regnamespace('carillon_boss') is null then
    create schema carillon_boss;
  end if;
end $$;
