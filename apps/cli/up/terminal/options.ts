// The arguments of `up`. They are parsed here and nothing else is done, so that each mistake has a test and one line
// that names the option, the expected and the received.
import { parseArgs } from 'node:util';

export interface UpOptions {
  readonly replicas: number;
  /** Of the first replica; the others count up from it. 0 takes any free ones. */
  readonly port: number;
  readonly isFresh: boolean;
  readonly hasDemo: boolean;
  readonly data: string;
  /** The replicas are restarted one by one when a handler changes. */
  readonly isWatching: boolean;
}

export type ParsedUpOptions =
  | { readonly kind: 'options'; readonly options: UpOptions }
  | { readonly kind: 'help' }
  | { readonly kind: 'invalid'; readonly message: string };

const REPLICAS_MAX = 9;
/** Leaves room above it for the other replicas and the demo's receiver. */
const PORT_MAX = 65_500;

export const UP_USAGE = `Usage: npm start -- [OPTIONS], or: carillon up [OPTIONS]

Starts PostgreSQL, a few replicas of Carillon and a small demo, until Ctrl-C.

Options:
  --replicas N   how many replicas, 1 to ${REPLICAS_MAX} (3)
  --port N       port of the first replica, 0 for any; one that is taken is replaced (8080)
  --no-demo      no tenants, no schedules, no receiver
  --fresh        deletes the data of earlier starts first
  --data DIR     where data, logs and up.json are kept, from the current folder (.data)
  --watch        takes the handlers of CARILLON_HANDLERS anew when a file of them changes
  --help         this text

With DATABASE_URL set, that database is used and no PostgreSQL is started. The replicas get what is set of
docs/CONFIGURATION.md, so CARILLON_HANDLERS=FOLDER npm start runs the jobs of a folder.
`;

const OPTIONS = {
  replicas: { type: 'string', default: '3' },
  port: { type: 'string', default: '8080' },
  fresh: { type: 'boolean', default: false },
  demo: { type: 'boolean', default: true },
  data: { type: 'string', default: '.data' },
  watch: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const EXPECTED = 'only --replicas N, --port N, --no-demo, --fresh, --data DIR, --watch or --help';

export function parseUpOptions(args: readonly string[]): ParsedUpOptions {
  try {
    const { values } = parseArgs({ args: [...args], options: OPTIONS, allowNegative: true, strict: true });
    if (values.help) return { kind: 'help' };
    const options = {
      replicas: integer('--replicas', values.replicas, { min: 1, max: REPLICAS_MAX }),
      port: integer('--port', values.port, { min: 0, max: PORT_MAX }),
      isFresh: values.fresh,
      hasDemo: values.demo,
      data: folder(values.data),
      isWatching: values.watch,
    };
    return { kind: 'options', options };
  } catch (error) {
    // parseArgs reports a wrong call by throwing, as do the two below; nothing else here can fail.
    const { message, code = '' } = error as NodeJS.ErrnoException;
    return { kind: 'invalid', message: code.startsWith('ERR_PARSE_ARGS') ? wrongCall(message) : message };
  }
}

/** parseArgs names what it got, with advice of several sentences in some cases; the first one is the fact. */
function wrongCall(message: string): string {
  const [fact] = message.split('. ');
  return `expected ${EXPECTED}; got: ${fact}`;
}

function integer(name: string, text: string, { min, max }: { min: number; max: number }): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= min && value <= max) return value;
  throw new Error(`${name}: expected a whole number from ${min} to ${max}, got ${JSON.stringify(text)}`);
}

function folder(text: string): string {
  if (text !== '') return text;
  throw new Error('--data: expected a folder, got ""');
}
