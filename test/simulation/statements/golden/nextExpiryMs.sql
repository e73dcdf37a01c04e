select extract(epoch from min(expires_at) - clock_timestamp())::float8 * 1000 as ms
from carillon.lease;
