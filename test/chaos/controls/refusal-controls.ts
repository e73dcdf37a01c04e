// Would the checker see a product that takes what passes for what stays? A refusal that says only that there is no room just
// now must neither fail a run nor end a replica, and a replica that was fenced off must come back by itself.
import type { Control } from './control.js';
import * as refusals from './refusal-plots.js';

const ERROR_KIND = 'libs/database/error-kind.js';
const MEMBERSHIP = 'libs/cluster/membership/membership.js';
const BROKE = "if (kind !== 'rejected' && kind !== 'passing')";

export const REFUSAL_CONTROLS: readonly Control[] = [
  {
    name: 'no room taken for the fault of a run',
    patches: [
      { file: ERROR_KIND, from: '|53...', to: '' },
      { file: ERROR_KIND, from: '(22|23|54)', to: '(22|23|53|54)' },
    ],
    plot: refusals.noRoomForEnds,
    caughtBy: /^I5: the .* run .* ended as failed, not succeeded: .*the database refused the result/,
  },
  {
    name: 'no room taken for death',
    patches: [
      {
        file: MEMBERSHIP,
        from: BROKE,
        to: `if (kind === 'passing') this.#expel('there was no room'); ${BROKE}`,
      },
    ],
    plot: refusals.noRoomForBeats,
    caughtBy: /^I8: replica \d+ .* was declared dead/,
  },
  {
    // The word of the session's end, the beat that gets no answer, and the fence of work each bring it back alone.
    name: 'fenced off for good',
    patches: [
      {
        file: 'libs/database/sessions/session-connection.js',
        from: 'options.onLost(error);',
        to: 'void error;',
      },
      { file: MEMBERSHIP, from: BROKE, to: 'if (kind === undefined)' },
      {
        file: MEMBERSHIP,
        from: 'if (incarnation === this.#incarnation)\n',
        to: 'if (incarnation === null)\n',
      },
    ],
    plot: refusals.fencedOff,
    caughtBy: /^I8: r\d+ is no active member/,
  },
];
