insert into "carillon"."cluster_event" ("type", "term", "replica", "data")
values ($1, $2, $3, $4);
