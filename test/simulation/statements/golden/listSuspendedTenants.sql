select id, slot, revision
from carillon.tenant
where state = 'suspended'
order by id
limit $1;
