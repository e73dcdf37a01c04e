select id
from carillon.claim
where run_ids && $1::uuid[]
order by id
for update;
