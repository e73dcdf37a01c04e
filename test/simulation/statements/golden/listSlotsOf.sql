select "slot", "owner", "epoch", "target"
from "carillon"."slot_owner"
where ("owner" = $1 or "target" = $2);
