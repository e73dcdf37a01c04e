select "owner"
from "carillon"."slot_owner"
where "slot" = $1;
