// How does a test wait? For a state, looking again and again, and with a limit that turns "never" into a
// failure with a reason. The limit is far beyond what a slow machine needs, since it proves nothing itself.
import { setTimeout as rest } from 'node:timers/promises';

const LOOK_MS = 10;

/** Resolves with the first answer that is neither undefined, null nor false. */
export async function until<Answer>(
  what: string,
  look: () => Promise<Answer | undefined | null | false> | Answer | undefined | null | false,
  limitMs = 200_000,
): Promise<Answer> {
  const endMs = performance.now() + limitMs;
  for (;;) {
    const answer = await look();
    if (answer !== undefined && answer !== null && answer !== false) return answer;
    if (performance.now() > endMs) throw new Error(`waited ${limitMs} ms in vain until ${what}`);
    await rest(LOOK_MS);
  }
}
