select "id", "calendar_id" as "calendarId"
from "carillon"."calendar_change"
order by "id"
limit $1;
