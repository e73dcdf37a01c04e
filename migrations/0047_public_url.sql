-- Where clients of tenants reach a replica, if its operator says so. Unlike `url` it is never a guess, since tenants are shown it.
alter table carillon.replica add column public_url text;
