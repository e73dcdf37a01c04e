-- What a worker asked for when it took the lease, as a digest: its request id with another wish must not be answered with what the
-- first one took. Null where a replica of the previous version wrote the lease; then the id alone is compared, as before.
alter table carillon.lease add column request bytea;
