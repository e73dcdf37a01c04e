update "carillon"."replica"
set "state" = $1, "ended_at" = clock_timestamp(), "died_term" = $2, "died_reason" = $3
where "number" = $4 and "state" in ($5, $6);
