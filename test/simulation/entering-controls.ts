// Would the simulation notice if a rule of runs that are claimed by their insert were broken?
import type { Focus } from './accident-plan.js';
import { around, LONG_SLEEP, type Control } from './control.js';

const enter = (...[statement, ...beside]: Parameters<typeof around>): Focus => ({
  ...around(statement, ...beside),
  entering: true,
});

export const ENTERING_CONTROLS: readonly Control[] = [
  {
    broken: 'looks that claim without the gate',
    shows: 'what is claimed is there',
    focus: { ...enter('lookAndClaim', 'a process joins'), stalls: 0.9 },
    near: 117,
  },
  {
    broken: 'looks that claim what is in hand',
    shows: 'an attempt starts once',
    focus: enter('lookAndClaim', 'a process joins'),
  },
  {
    broken: 'runs that enter without the gate',
    shows: 'I4',
    focus: { ...enter('terminateSessions', LONG_SLEEP), stalls: 0.9 },
    overlooked: ['who has left claims nothing'],
    near: 157,
  },
  {
    broken: 'runs that enter without owner and epoch of their slot',
    shows: 'one live claim a run',
    focus: enter('handOver', 'a process joins', 'a process leaves'),
    overlooked: ['I7'],
    near: 43,
  },
  {
    broken: 'runs that enter although others of their lane wait',
    shows: 'who enters overtakes none',
    focus: enter('takeIn', 'a process joins'),
  },
  {
    broken: 'rules that are forgotten while runs enter',
    shows: 'I7',
    focus: enter('terminateSessions', LONG_SLEEP, 'a process is killed'),
    near: 494,
  },
];
