// The Node flags of a replica. Thousands of runs are held for about a tenth of a second each. In V8's usual space for
// young objects, 16 MB, most live just long enough to be copied, some into the old space; in 64 MB most are dead
// before that. It was worth a tenth of the throughput, and only a busy replica uses the space. Yet enough of them outlive
// one scavenge for V8 to make the next ones in the old space at once, where they keep all that they refer to, too, until
// a full collection.
export const REPLICA_FLAGS = [
  '--enable-source-maps',
  '--max-semi-space-size=64',
  '--no-allocation-site-pretenuring',
] as const;
