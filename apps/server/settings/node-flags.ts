// With which of Node's flags does a replica run? Thousands of runs are held for about a tenth of a second each. In V8's
// usual space for young objects, 16 MB, that is just long enough for most to be copied, some into the old space; in 64
// MB most are gone before. It was worth a tenth of the throughput, and the space is taken only by a replica that is
// busy.
export const REPLICA_FLAGS = ['--enable-source-maps', '--max-semi-space-size=64'] as const;
