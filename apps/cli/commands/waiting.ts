// Waits for what takes long, and shows on a terminal how far it is: runs, and operations of the API.
import type { ClientOperation } from '#client/http/operations.js';
import type { ClientRun } from '#client/http/runs/run-shapes.js';
import { messageText } from '../output/cells.js';
import { EXIT, type ExitCode } from '../exit-codes.js';
import type { Session, TenantApi } from './session.js';

/** What is told of a run that has been started. */
export const RUN = ['id', 'jobType', 'state', 'attempt', 'startedAt', 'finishedAt', 'output', 'error'];
const CLEAR_LINE = '\r\u001b[2K';

/** Prints the run as it is when the wait is over, and resolves with EXIT.failed unless it has succeeded. */
export async function untilRunEnds(
  session: Session,
  { client }: TenantApi,
  { id, waitSeconds }: { id: string; waitSeconds: number },
): Promise<ExitCode> {
  const line = statusLine(session);
  line.show(`waiting for run ${id}`);
  const run = await client
    .result(id, { wait: waitSeconds, signal: session.signal })
    .finally(() => line.clear());
  session.out.record(run, RUN);
  if (run.state === 'succeeded') return EXIT.done;
  session.note(`carillon: ${whyNot(run, waitSeconds)}`);
  return EXIT.failed;
}

function whyNot({ id, state, finishedAt, error }: ClientRun, waitSeconds: number): string {
  if (finishedAt === null) return `run ${id} has not ended within ${waitSeconds} s; it is ${state}`;
  return `run ${id} is ${state}${error === null ? '' : `: ${error.name}: ${error.message}`}`;
}

/** The same of an operation. */
export async function untilOperationEnds(
  session: Session,
  { client }: TenantApi,
  id: string,
): Promise<ExitCode> {
  const line = statusLine(session);
  const onProgress = ({ state, progress: { done, total } }: ClientOperation): void =>
    line.show(`${state}, ${done} of ${total}`);
  const operation = await client.operations
    .wait(id, { onProgress, signal: session.signal })
    .finally(() => line.clear());
  session.out.record(operation);
  if (operation.state === 'succeeded') return EXIT.done;
  session.note(`carillon: operation ${id} is ${operation.state}: ${operation.error ?? 'no error is known'}`);
  return EXIT.failed;
}

/** One line of a terminal that is written again and again; nothing elsewhere. */
function statusLine({ world: { err } }: Session): { show: (text: string) => void; clear: () => void } {
  const write = (text: string): void => (err.isTerminal ? err.write(text) : undefined);
  return { show: (text) => write(`${CLEAR_LINE}${messageText(text)}`), clear: () => write(CLEAR_LINE) };
}
