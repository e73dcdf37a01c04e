// What must the rules of locks not miss? Each control breaks one part of how locks are kept; that each rule refuses what it
// must, its specs tell beside it (../locks).
import type { Control } from './control.js';
import { manyUnderLocks } from './limit-plots.js';
import * as plots from './lock-plots.js';

export const LOCK_CONTROLS: readonly Control[] = [
  {
    name: 'runs that start without the locks they need',
    patches: [
      {
        file: 'libs/execution/locking/run-locks.js',
        from: 'return neededLocks(this.parts.rules.ofRun(run).locks, run.ownLocks);',
        to: 'return undefined;',
      },
      {
        file: 'libs/execution/attempts/executor.js',
        from: 'const lacks = (name) => run.locks?.[name] === undefined;',
        to: 'const lacks = () => false;',
      },
    ],
    plot: manyUnderLocks,
    caughtBy: /^I7: \d+ runs that need book executed at once/,
  },
  {
    name: 'tokens not checked at the commit',
    patches: [],
    sabotage: `create or replace function carillon.check_lock_at_commit() returns trigger language plpgsql as $$
      begin
        return null;
      end $$`,
    plot: plots.staleCommit,
    caughtBy: /^L3: holder of \d+ wrote with token/,
  },
  {
    // Releases have hints; only looking finds out that a lease has ended.
    name: 'ends of leases not looked for',
    patches: [
      {
        file: 'apps/server/http/locks/lock-waiters.js',
        from: 'return Math.max(nextLookMs([...looks, ...taken]), nowMs - startMs);',
        to: 'return Math.max(60_000, nextLookMs(looks));',
      },
    ],
    plot: plots.leaseEndsUnsaid,
    caughtBy: /^L4: one lay idle for/,
  },
];
