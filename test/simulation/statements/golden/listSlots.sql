select "slot", "owner", "epoch", "target"
from "carillon"."slot_owner"
order by "slot";
