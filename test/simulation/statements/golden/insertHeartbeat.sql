insert into "carillon"."heartbeat" ("replica")
values ($1);
