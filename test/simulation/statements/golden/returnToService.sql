update "carillon"."replica"
set "state" = $1
where "number" = $2 and "state" = $3;
