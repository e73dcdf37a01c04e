// Would the simulation notice if a rule of the strict order of keys were broken?
import type { Focus } from './accident-plan.js';
import { around, LONG_SLEEP, type Control } from './control.js';

const STRICT: Focus = {
  ...around('claimRunsInOrder', LONG_SLEEP, 'a process is killed', 'a process leaves'),
  strict: true,
};

export const STRICT_CONTROLS: readonly Control[] = [
  {
    broken: 'runs to be tried again that do not block their key',
    shows: 'what blocks a strict key goes first',
    focus: STRICT,
  },
  {
    broken: 'lost runs that do not block their key',
    shows: 'what blocks a strict key goes first',
    focus: STRICT,
    near: 31,
  },
  {
    broken: 'failed runs that do not block their key',
    shows: 'what blocks a strict key goes first',
    focus: STRICT,
  },
  {
    broken: 'claims that ignore what blocks a key',
    shows: 'what blocks a strict key goes first',
    focus: STRICT,
  },
  {
    broken: 'claims in order that are ahead of time',
    shows: 'runs of a strict key go in their order',
    focus: STRICT,
  },
  {
    broken: 'claims that may be there are not withdrawn',
    shows: 'what blocks a strict key goes first',
    focus: {
      ...around('claimRunsInOrder', 'a process is killed', LONG_SLEEP, 'a process leaves'),
      strict: true,
    },
    near: 466,
  },
  {
    broken: 'owners that go on before an end is written',
    shows: 'runs of a strict key go one by one',
    focus: STRICT,
    overlooked: ['what blocks a strict key goes first'],
  },
  {
    broken: 'keys that are unblocked for another run',
    shows: 'what blocks a strict key goes first',
    focus: STRICT,
    near: 85,
  },
  {
    broken: 'keys that are unblocked before their run is over',
    shows: 'what blocks a strict key goes first',
    focus: STRICT,
  },
  {
    broken: 'occupancy that ignores what others hold',
    shows: 'runs of a strict key go one by one',
    focus: { ...around('claimRunsInOrder', 'a process joins', 'a process leaves'), strict: true },
    overlooked: ['I7', 'one live claim a run', 'runs of a strict key go in their order'],
    near: 55,
  },
  { broken: 'blocks that stay when their run is over', shows: 'I8: all work done', focus: STRICT },
];
