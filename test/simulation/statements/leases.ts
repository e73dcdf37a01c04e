// What do statements about leases mean? Nothing here works outside of replicas, so there are none.
import { answer, changed, type Meaning } from './meaning.js';

export const LEASE_STATEMENTS: readonly Meaning[] = [
  {
    name: 'forgetEnds',
    says: ['delete from carillon.ended_lease'],
    texts: ['1702eoe'],
    run: () => changed(0, 'DELETE'),
  },
  {
    name: 'forgetWorkers',
    says: ['delete from carillon.worker'],
    texts: ['1yio3m0'],
    run: () => changed(0, 'DELETE'),
  },
  {
    name: 'nextExpiryMs',
    says: ['min(expires_at)', 'from carillon.lease'],
    texts: ['g6m7r9'],
    run: () => answer([{ ms: null }]),
  },
  {
    name: 'withdrawOffers',
    says: ['with withdrawn as ( delete from carillon.lease l using carillon.run r'],
    texts: ['xygjpg'],
    run: () => changed(0),
  },
];
