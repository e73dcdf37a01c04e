insert into "carillon"."ring" ("term", "members")
values ($1, $2)
returning "version";
