select "calendar_id" as "calendarId", max("id") as "upTo"
from "carillon"."calendar_change"
group by "calendar_id";
