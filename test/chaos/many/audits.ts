// Is the audit of each of the many schedules clean? The cluster is asked itself, through its API, once all is healed.
import { until } from '../../support/until.js';
import type { Cluster } from '../cluster.js';

export interface AuditAnswer {
  readonly where: string;
  readonly status: number;
  readonly body: unknown;
}

interface Audit {
  readonly isClean: boolean;
  readonly isComplete: boolean;
  readonly text: string;
  readonly leftBehind: number;
  readonly outcomes: Readonly<Record<string, number>>;
}

const AT_ONCE = 4;
/** What was due in the last seconds is still on its way. */
const UNDERWAY_MS = 10_000;

export async function auditAll(
  cluster: Cluster,
  { audited, fromMs }: { audited: readonly string[]; fromMs: number },
): Promise<AuditAnswer[]> {
  const span = new URLSearchParams({
    from: new Date(fromMs).toISOString(),
    to: new Date(Date.now() - UNDERWAY_MS).toISOString(),
  }).toString();
  const answers: AuditAnswer[] = [];
  const left = [...audited];
  const askSome = async (): Promise<void> => {
    for (let path = left.pop(); path !== undefined; path = left.pop()) {
      const where = path;
      const seat = cluster.seats[answers.length % cluster.seats.length];
      if (seat === undefined) return;
      // A replica that is busy says so, and is asked again.
      const { status, body } = await until(`the audit of ${where} is answered`, async () => {
        const answer = await cluster.call(seat, `${where}:audit?${span}`).catch(() => undefined);
        return answer !== undefined && answer.status < 500 && answer.status !== 429 && answer;
      });
      answers.push({ where, status, body });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, askSome));
  return answers;
}

/** C15. */
export function checkAudits({ audits }: { audits: readonly AuditAnswer[] }): string[] {
  return audits.flatMap(({ where, status, body }) => {
    if (status !== 200) return [`C15: the audit of ${where} was answered ${status}: ${shortened(body)}`];
    const { isClean, isComplete, text, leftBehind, outcomes } = body as Audit; // by the API's description
    if (!isClean) return [`C15: ${where}: ${text} ${shortened(body)}`];
    if (!isComplete) return [`C15: the audit of ${where} is not complete: ${text}`];
    const open = leftBehind + (outcomes['planned'] ?? 0);
    return open === 0 ? [] : [`C15: ${open} due times of ${where} are not decided`];
  });
}

function shortened(body: unknown): string {
  return JSON.stringify(body).slice(0, 2_000);
}
