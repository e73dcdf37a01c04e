-- Since when a schedule has its present spec. What was due until then was asked for by another one.

-- Null for a schedule that never had another.
alter table carillon.schedule add column spec_since timestamptz;
