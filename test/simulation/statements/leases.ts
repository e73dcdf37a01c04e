// What do statements about leases mean? Nothing here works outside of replicas, so there are none.
import { answer, changed, type Meaning } from './meaning.js';

export const LEASE_STATEMENTS: readonly Meaning[] = [
  {
    name: 'forgetEnds',
    says: ['delete from carillon.ended_lease'],
    run: () => changed(0, 'DELETE'),
  },
  {
    name: 'forgetWorkers',
    says: ['delete from carillon.worker'],
    run: () => changed(0, 'DELETE'),
  },
  {
    name: 'nextExpiryMs',
    says: ['min(expires_at)', 'from carillon.lease'],
    run: () => answer([{ ms: null }]),
  },
  {
    name: 'withdrawOffers',
    says: ['with withdrawn as ( delete from carillon.lease l using carillon.run r'],
    run: () => changed(0),
  },
];
