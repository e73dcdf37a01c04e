select count(*)::int as "count"
from "carillon"."schedule_following"
where "tenant_id" = $1 and "followed_id" = $2 and "schedule_id" <> $3;
