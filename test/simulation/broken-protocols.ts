// Which rules can be broken on purpose? Each of these takes one rule of the protocol away, and the simulation
// must find out. A checker that never failed proves nothing.
export const BROKEN_PROTOCOLS = [
  'leader writes without a term fence',
  'leader writes fenced by a plain select',
  'completions without the gate',
  'completions by run id, without gate, claim and attempt',
  'deaths without the gate',
  'hand-overs without the gate',
  'goodbyes without the gate',
  'claims without the epoch of their slot',
  'claims that do not leave out foreign runs',
  'slots taken from a living owner without a hand-over',
  'slots of the dead stay where they are',
  'locks that outlive their session',
  'liveness by timestamps',
  'no resuming after a broken session',
  'crashes judged without asking for sessions and restarts',
  'claims of the dead are left alone',
  'lost claims are not reconciled',
  'planning without fence, compare-and-set and unique ledger',
  'claimed runs are taken back, too',
  'finished runs are not kept',
  'starts before run_at',
  'claims that do not tell of cancels and deadlines',
  'endings without the gate',
  'runs that come back to claims that still name them',
  'runs taken out of their claims before it is known that they are over',
  'endings that do not look for claims',
  'refusals that pass are taken for the fault of a run',
  'what was written of a batch is put back and counted with the rest',
  'occupancy that ignores what others hold',
  'former owners go on with what is limited',
  'rates kept in memory only',
] as const;

export type BrokenProtocol = (typeof BROKEN_PROTOCOLS)[number];
export type Broken = ReadonlySet<BrokenProtocol>;
