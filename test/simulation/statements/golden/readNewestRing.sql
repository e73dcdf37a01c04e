select "version", "term", "members", "created_at" as "createdAt"
from "carillon"."ring"
order by "version" desc
limit $1;
