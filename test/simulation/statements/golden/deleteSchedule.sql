delete from "carillon"."schedule"
where "id" = $1;
