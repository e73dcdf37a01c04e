update "carillon"."replica"
set "state" = $1
where "number" = $2 and "state" in ($3);

update "carillon"."replica"
set "state" = $1, "ended_at" = clock_timestamp()
where "number" = $2 and "state" in ($3, $4);
