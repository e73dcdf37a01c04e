// Does what the server refuses come again in a batch that is small enough soon, and nothing get lost on the way?
import { describe, expect, it } from 'vitest';
import { asId } from '#kernel/ids.js';
import { Unsettled, type Refusal } from './unsettled.js';

const PASSING: Refusal = { kind: 'passing', isPassing: true };

function waiting(starts: number): Unsettled {
  const unsettled = new Unsettled();
  const at = new Date(0);
  for (let n = 0; n < starts; n += 1)
    unsettled.addStart({
      scheduleId: asId.schedule(`${n}`),
      dueAt: at,
      startedAt: at,
      claimId: asId.claim('c'),
    });
  return unsettled;
}

/** How many each batch holds, when each is refused. */
function sizes(unsettled: Unsettled, { refusal, tries }: { refusal: Refusal; tries: number }): number[] {
  return Array.from({ length: tries }, () => {
    const batch = unsettled.take();
    unsettled.failed(batch, refusal);
    unsettled.putBack();
    return batch.starts.length;
  });
}

describe('a batch that the server refuses for now', () => {
  it('comes again by half', () => {
    expect(sizes(waiting(3_000), { refusal: PASSING, tries: 4 })).toEqual([2_000, 1_000, 500, 250]);
  });

  it('comes again by a sixteenth when its time ran out, down to single ones', () => {
    const refusal = { ...PASSING, wasTooLong: true };
    expect(sizes(waiting(3_000), { refusal, tries: 5 })).toEqual([2_000, 125, 7, 1, 1]);
  });

  it('goes to the end when it is alone, so that the next one is tried', () => {
    const unsettled = waiting(3);
    sizes(unsettled, { refusal: { ...PASSING, wasTooLong: true }, tries: 2 });
    expect(unsettled.take().starts.map(({ scheduleId }) => scheduleId)).toEqual(['1']);
  });

  it('grows again with what is written', () => {
    const unsettled = waiting(3_000);
    sizes(unsettled, { refusal: { ...PASSING, wasTooLong: true }, tries: 1 });
    unsettled.written(unsettled.take());
    expect(unsettled.take().starts).toHaveLength(250);
  });
});
