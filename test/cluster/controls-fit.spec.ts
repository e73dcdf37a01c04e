// Do the negative controls still find in the built product what they break? One that does not would only be noticed when
// somebody runs it, which takes an hour for all.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { CONTROLS } from '../chaos/controls/controls.js';

const DIST = new URL('../../dist/', import.meta.url);

it.each(CONTROLS.flatMap(({ name, patches }) => patches.map((patch) => ({ name, ...patch }))))(
  '$name: in $file',
  ({ file, from }) => {
    expect(readFileSync(new URL(file, DIST), 'utf8').split(from)).toHaveLength(2);
  },
);
