// Why did a call get no answer, in words for the tenant whose endpoint it is? The tenant may know what any client of
// the endpoint would see: a refused or reset connection, a bad certificate, an answer that is not HTTP. Addresses in
// the operator's network and places in the server's files are not for the tenant; the operator finds them in the log.
import type { AttemptError } from '#execution/runs/decisions/run-transition.js';

/** For errors that describe the endpoint, from Node or from us. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was closed before the answer was complete',
  EPIPE: 'the connection was closed before the answer was complete',
  ETIMEDOUT: 'no connection could be made in time',
  EHOSTUNREACH: 'the host can not be reached',
  ENETUNREACH: 'the host can not be reached',
  ENOTFOUND: 'the DNS knows no host of that name',
  EAI_AGAIN: 'the name of the host could not be looked up',
  HPE_HEADER_OVERFLOW: 'the head of the answer is longer than 16 KiB',
  HPE_UNASKED_UPGRADE: 'the endpoint wanted to speak another protocol',
  HPE_TOO_MANY_INTERIM: 'there were too many interim answers (1xx)',
  EPROTO: 'TLS could not be agreed on',
};

/** By the beginning of their codes. */
const FAMILIES: readonly (readonly [RegExp, string])[] = [
  [/^HPE_/, 'the answer is not HTTP'],
  [/^ERR_(SSL|TLS)_(?!CERT)/, 'TLS could not be agreed on'],
  [/CERT|SIGNATURE|^UNABLE_TO_|^CRL_/, 'its certificate was not accepted'],
];

const CODE = /^[A-Z][A-Z0-9_]{1,60}$/;

/** `shownUrl` holds no secret. */
export function describeCallFailure(error: unknown, shownUrl: string): AttemptError {
  if (error instanceof Error && error.name === 'BlockedAddress')
    return { name: error.name, message: error.message };
  const code = codeOf(error);
  const reason = code === null ? 'the call failed' : `${reasonOf(code) ?? 'the call failed'} (${code})`;
  return { name: 'CallFailed', message: `expected an answer from ${shownUrl}, but ${reason}` };
}

function reasonOf(code: string): string | undefined {
  return REASONS[code] ?? FAMILIES.find(([pattern]) => pattern.test(code))?.[1];
}

/** When several addresses were tried, the error holds many, and has the code of the first. */
function codeOf(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  return typeof error.code === 'string' && CODE.test(error.code) ? error.code : null;
}
