// Which variants of each model are checked, and what must come out? A fence that is taken away must be missed:
// 'violated' says that the model can see what the fence prevents, and only then does 'holds' say something.
// WITNESS variants fail on purpose where the story has gone far enough, so 'violated' says that it can.

/**
 * @typedef {object} Variant
 * @property {'election' | 'claim' | 'takein' | 'resume' | 'lock'} model
 * @property {string} name
 * @property {string[]} flags Macros of the .pml, without -D.
 * @property {'holds' | 'violated'} expected
 */

/** @type {Variant[]} */
export const variants = [
  ...variantsOf('election', {
    holds: {
      'for share of (term, holder)': 'FENCE_SHARE',
      'the same, with nothing that keeps candidates apart': 'FENCE_SHARE NO_LOCK WRITERS=1',
      'the same, and a failover loses the last term':
        'FENCE_SHARE LOSE_TERM WRITERS=1 TERMS_MAX=3 KILLS_MAX=2',
    },
    violated: {
      'no fence': 'FENCE_NONE',
      'a plain select': 'FENCE_SELECT',
      'for key share': 'FENCE_KEY_SHARE',
      'the new term is read before the wait': 'FENCE_SHARE NO_LOCK READ_FIRST',
      'the term alone, and a failover loses the last one': 'FENCE_SHARE LOSE_TERM TERM_ONLY',
      'witness: the last replica writes in the last term': 'FENCE_SHARE WITNESS',
    },
  }),
  ...variantsOf('claim', {
    holds: {
      'one run: moves, a death, a leave, a fault': 'LEAVES_MAX=1',
      'two runs: a move, a death': 'RUNS=2 MOVES_MAX=1 FAULTS_MAX=0',
      'two runs: a move, a fault': 'RUNS=2 MOVES_MAX=1 DEATHS_MAX=0',
      'three replicas: a move, a death': 'REPLICAS=3 MOVES_MAX=1 FAULTS_MAX=0',
      'no epochs, but no slot ever comes back': 'EPOCH_FORGOTTEN EPOCH_UNCHECKED NO_RETURN',
    },
    violated: {
      'no gate on claims': 'CLAIM_WITHOUT_GATE',
      'no gate on settlements': 'COMPLETION_WITHOUT_GATE',
      'no gate on deaths': 'DEATH_WITHOUT_GATE',
      'no gate on hand-overs': 'HAND_OVER_WITHOUT_GATE',
      'no gate on leaving': 'LEAVE_WITHOUT_GATE LEAVES_MAX=1 DEATHS_MAX=0 FAULTS_MAX=0',
      'a snapshot from before the gate': 'ONE_SNAPSHOT',
      'settlement by run id alone': 'BY_RUN_ID',
      'claims elsewhere not read': 'ELSEWHERE_UNREAD',
      'claims elsewhere not read anew in a new epoch': 'EPOCH_FORGOTTEN DEATHS_MAX=0 FAULTS_MAX=0',
      'the epoch not asked for by the claim': 'EPOCH_UNCHECKED DEATHS_MAX=0 FAULTS_MAX=0',
      'witness: a slot came back, and its runs go on': 'WITNESS',
    },
  }),
  ...variantsOf('takein', {
    holds: {
      'a death, a move, no answer lost': 'MOVES_MAX=1 FAULTS_MAX=0 VAIN_MAX=1',
      'a death and a fault': 'MOVES_MAX=0 VAIN_MAX=1',
      'the slot comes back, and a fault': 'DEATHS_MAX=0 VAIN_MAX=1',
      'a death, a move, a fault': 'MOVES_MAX=1',
      'three runs, the slot comes back': 'RUNS=3 DEATHS_MAX=0 FAULTS_MAX=0',
      'a look, a death, a fault': 'UNLIMITED HINTS_MAX=1 MOVES_MAX=0',
      'a look, a death, a move': 'UNLIMITED HINTS_MAX=1 MOVES_MAX=1 FAULTS_MAX=0',
      'a look, the slot comes back, and a fault': 'UNLIMITED HINTS_MAX=1 DEATHS_MAX=0',
      'a look at one run, all of these at once': 'UNLIMITED HINTS_MAX=1 RUNS=1',
      'a look at three runs, a move': 'UNLIMITED HINTS_MAX=1 RUNS=3 MOVES_MAX=1 DEATHS_MAX=0 FAULTS_MAX=0',
      'two looks, the slot comes back': 'UNLIMITED HINTS_MAX=2 DEATHS_MAX=0 FAULTS_MAX=0',
      'two looks, a move, a fault': 'UNLIMITED HINTS_MAX=2 MOVES_MAX=1 DEATHS_MAX=0',
      'a look, limits come, the slot comes back': 'HINTS_MAX=1 DEATHS_MAX=0 FAULTS_MAX=0',
    },
    violated: {
      'the gate not tried': 'GATE_NOT_TRIED',
      'owner and epoch not asked for': 'OWNER_UNCHECKED',
      'the epoch not asked for': 'EPOCH_UNCHECKED DEATHS_MAX=0 FAULTS_MAX=0',
      'what waits before not looked at': 'WAITING_UNSEEN',
      'the lane open while a claim is on its way':
        'LANE_OPEN VAIN_MAX=1 MOVES_MAX=0 DEATHS_MAX=0 FAULTS_MAX=0',
      'claims take what is entering': 'ENTERING_CLAIMED',
      'held also when the incarnation is over': 'HELD_BLINDLY',
      'entering for ever after a lost answer': 'ENTERING_KEPT',
      'stray claims not looked for': 'STRAY_UNSEEN',
      'claims elsewhere not read': 'ELSEWHERE_UNREAD',
      'started before others are counted': 'STARTED_UNCOUNTED DEATHS_MAX=0 FAULTS_MAX=0',
      'witness: taken in after the slot came back': 'WITNESS',
      'a look without the gate': look('LOOK_WITHOUT_GATE MOVES_MAX=0 FAULTS_MAX=0'),
      'a look with a snapshot from before the gate': look('LOOK_ONE_SNAPSHOT MOVES_MAX=0 FAULTS_MAX=0'),
      'a look of a dead replica': look('LOOK_OF_THE_DEAD MOVES_MAX=0 FAULTS_MAX=0'),
      'the epoch not asked for by the look': look('LOOK_EPOCH_UNCHECKED DEATHS_MAX=0 FAULTS_MAX=0'),
      'the lane open while a look is on its way': look(
        'LOOK_LANE_OPEN MOVES_MAX=0 DEATHS_MAX=0 FAULTS_MAX=0',
      ),
      'a look while a claim is on its way': look('LOOK_BESIDE_CLAIM MOVES_MAX=0 DEATHS_MAX=0 FAULTS_MAX=0'),
      'a look takes what is entering': look('LOOK_TAKES_ENTERING MOVES_MAX=0 DEATHS_MAX=0 FAULTS_MAX=0'),
      'a look takes what is held': look('LOOK_TAKES_HELD MOVES_MAX=0 DEATHS_MAX=0 FAULTS_MAX=0'),
      'a look takes what others have': look('LOOK_TAKES_ELSEWHERE DEATHS_MAX=0 FAULTS_MAX=0'),
      'a look takes a later run': look('LOOK_TAKES_LATER MOVES_MAX=0 DEATHS_MAX=0 FAULTS_MAX=0'),
      'a look held also when the incarnation is over': look('LOOK_HELD_BLINDLY MOVES_MAX=0 FAULTS_MAX=0'),
      'witness: looked at after the slot came back': look('WITNESS_LOOK DEATHS_MAX=0 FAULTS_MAX=0'),
    },
  }),
  ...variantsOf('resume', {
    holds: {
      'resume, or register when declared dead': '',
      'a failover gives a number twice': 'LOSE_NUMBER',
    },
    violated: {
      'resuming sets the state to active': 'REVIVE',
      'draining does not look at the state': 'LEAVE_BLINDLY',
      'undraining does not look at the state': 'UNDRAIN_BLINDLY',
      'a new number for a broken session': 'REGISTER_INSTEAD',
      'the number alone, and a failover gives it twice': 'LOSE_NUMBER NUMBER_ONLY',
      'witness: a process writes under its last number': 'WITNESS',
    },
  }),
  ...variantsOf('lock', {
    holds: {
      'three holders': 'TOKENS_MAX=4 ENDS_MAX=3',
      'four holders': 'HOLDERS=4',
    },
    violated: {
      'the token is checked at the beginning only': 'CHECK_AT_BEGINNING',
      'the check does not lock the hold until commit': 'CHECK_UNLOCKED',
      'the expired hold is not deleted at take-over': 'EXPIRED_KEPT',
      'holds not counted again behind a renewal': 'COUNTED_ONCE',
      'no advisory lock': 'NO_TURNS',
      'a free lock goes to who asks': 'LINE_IGNORED',
      'tokens made from the rows that are there': 'TOKEN_OF_ROWS',
      'witness: the last token commits, and one waits': 'WITNESS',
    },
  }),
];

function look(flags) {
  return `UNLIMITED HINTS_MAX=1 ${flags}`;
}

function variantsOf(model, byVerdict) {
  return Object.entries(byVerdict).flatMap(([expected, byName]) =>
    Object.entries(byName).map(([name, flags]) => ({
      model,
      name,
      flags: flags.split(' ').filter(Boolean),
      expected,
    })),
  );
}
