// What went wrong, for the person at the terminal and for a script: a text that says what can be done, and an exit code.
import { ApiProblem, NoAnswer } from '#client/http/api-problem.js';
import { CliError } from '../cli-error.js';
import { EXIT, type ExitCode } from '../exit-codes.js';

const PEOPLES: ReadonlySet<string> = new Set(['ConfigError', 'EmbeddedPostgresError', 'UnfitSessionError']);

/** In the words of a command line, where the client's are about its options. */
const TO_DO: Readonly<Record<string, string>> = {
  '': 'check the URL: this is no answer of a replica',
  UNAUTHENTICATED:
    'check the key, which is unknown or revoked; carillon config show tells which is taken, and from where',
  FORBIDDEN: "use a key of the tenant whose role may do this, or an administrator's",
  NOT_FOUND: 'check the name or id, and the tenant: what a key may not see does not exist for it',
  ALREADY_EXISTS: 'use what is there, or another name',
  VALIDATION_FAILED: 'mend what is named above',
  ETAG_MISMATCH: 'it was changed meanwhile: do it again',
};

export function failureOf(error: unknown): { text: string; exitCode: ExitCode } {
  if (error instanceof ApiProblem) return { text: problemText(error), exitCode: codeOf(error) };
  if (error instanceof NoAnswer)
    return {
      text: `${error.message}\n  to do: check the URL and that a replica runs there; carillon config show tells which is used`,
      exitCode: EXIT.unreachable,
    };
  if (error instanceof CliError) return { text: error.message, exitCode: error.exitCode };
  if (isMisuse(error)) return { text: error.message, exitCode: EXIT.usage };
  if (error instanceof Error && PEOPLES.has(error.name))
    return { text: error.message, exitCode: EXIT.failed };
  return { text: String(error instanceof Error ? error.stack : error), exitCode: EXIT.failed };
}

function problemText({ problem, status, code, detail, errors, whatToDo, requestId }: ApiProblem): string {
  const { title } = problem;
  const head = `${typeof title === 'string' ? title : 'The request failed'} (${[status, code].join(' ').trim()})`;
  const places = errors.map((each) => `${each.pointer === '' ? 'the whole' : each.pointer}: ${each.detail}`);
  // The detail sums up the fields, where there are some.
  const said = places.length > 0 ? places : [detail];
  const request = requestId === null ? [] : [`request: ${requestId}`];
  return [head, ...said, `to do: ${TO_DO[code] ?? whatToDo}`, ...request].join('\n  ');
}

function codeOf({ status, code }: ApiProblem): ExitCode {
  // Of what stands between, or in the place of a replica.
  if (code === '') return EXIT.unreachable;
  if (status === 401 || status === 403) return EXIT.refused;
  if (status === 404) return EXIT.notFound;
  if (status === 409 || status === 412 || status === 429) return EXIT.conflict;
  return status >= 500 ? EXIT.unreachable : EXIT.usage;
}

/** The client refuses an argument by its name before it sends anything. */
function isMisuse(error: unknown): error is TypeError {
  return error instanceof TypeError && error.message.startsWith('expected ');
}
