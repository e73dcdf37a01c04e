insert into "carillon"."replica" ("name", "host", "pid", "url", "version", "roles", "weight", "preference",
  "incarnation", "public_url")
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
returning "number";
