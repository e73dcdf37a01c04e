// Is each command called by the test that walks all of them against a real replica? A new command needs a step there.
import { expect, it } from 'vitest';
import { WALK } from '../../test/support/cli-walk.js';
import { allCommands } from '../../test/support/cli-commands.js';

it('the walk knows each command, and no other', () => {
  const walked = new Set(WALK.map(({ command }) => command));
  expect([...walked].toSorted()).toEqual(
    allCommands()
      .map(({ words }) => words)
      .toSorted(),
  );
});
