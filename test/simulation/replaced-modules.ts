// What of the program is not the real thing? Only where it touches the world: the database driver, the two
// clocks, ids and chance, the HTTP client, and a hash that is remembered, because rings are built often. All
// else, loops, timers, repositories and decisions, runs as it does in production. Import this first.
import { vi } from 'vitest';

vi.mock('pg', () => import('./postgres-module.js'));

vi.mock('#database/runtime/system-clock.js', async () => {
  const { actorOnStage } = await import('./stage.js');
  const { worldOnStage } = await import('./played-world.js');
  return {
    systemClock: {
      monotonicMs: () => worldOnStage().monotonicMs(actorOnStage()),
      now: () => new Date(worldOnStage().server.wallMs() + actorOnStage().wallOffsetMs),
    },
    systemRandom: () => worldOnStage().random.next(),
  };
});

vi.mock('node:crypto', async (importOriginal) => {
  const { worldOnStage } = await import('./played-world.js');
  return {
    ...(await importOriginal<typeof import('node:crypto')>()),
    randomUUID: () => worldOnStage().newId('id'),
    randomUUIDv7: () => worldOnStage().newId('run'),
  };
});

vi.mock('#database/runtime/hash.js', async (importOriginal) => {
  const { placementHash } = await importOriginal<typeof import('#database/runtime/hash.js')>();
  const known = new Map<string, number>();
  return {
    placementHash: (text: string): number => {
      let hash = known.get(text);
      if (hash === undefined) known.set(text, (hash = placementHash(text)));
      return hash;
    },
  };
});

vi.mock('#execution/endpoints/guarded-outlet.js', () => ({
  GuardedOutlet: class {
    destroy(): void {}
  },
}));
