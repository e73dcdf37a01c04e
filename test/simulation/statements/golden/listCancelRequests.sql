select id
from carillon.run
where cancel_requested_at is not null;
