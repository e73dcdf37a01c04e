// Which names in the environment are our settings? An unknown CARILLON_… is most likely mistyped, so it is refused
// with the nearest known name. Kubernetes adds names of the same form to each container of a namespace with a Service
// called carillon, or carillon-something. Those are skipped, and so is a name that ends in _PORT with a value like
// tcp://…, although it may be the name of a setting.

type Environment = Readonly<Record<string, string | undefined>>;

const PREFIX = 'CARILLON_';
/** The variables of a Service: https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables. */
const INJECTED = /_SERVICE_HOST$|_SERVICE_PORT(_[A-Z0-9_]+)?$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/;
const INJECTED_PORT = /^(tcp|udp|sctp):\/\//;
/** A name with more different letters is another word. */
const DISTANCE_MAX = 3;

/** Names of an earlier version. */
const RENAMED: Readonly<Record<string, string>> = { CARILLON_LEASE_MS: 'CARILLON_DEAD_AFTER_MS' };

/** The environment without the variables that Kubernetes adds for Services. */
export function withoutServices(env: Environment): Environment {
  return Object.fromEntries(Object.entries(env).filter(([name, value = '']) => !isInjected(name, value)));
}

/**
 * One phrase for each unknown name that looks like ours: `CARILLON_PROT (did you mean CARILLON_PORT?)`, or its
 * present name.
 */
export function unknownNames(env: Environment, known: readonly string[]): string[] {
  return Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && !known.includes(name))
    .map((name) => {
      const renamed = RENAMED[name];
      if (renamed !== undefined) return `${name} (it is called ${renamed} now)`;
      const nearest = nearestOf(name, known);
      return nearest === null ? name : `${name} (did you mean ${nearest}?)`;
    });
}

function isInjected(name: string, value: string): boolean {
  if (!name.startsWith(PREFIX)) return false;
  return INJECTED.test(name) || (name.endsWith('_PORT') && INJECTED_PORT.test(value));
}

function nearestOf(name: string, known: readonly string[]): string | null {
  const [nearest] = known
    .map((each) => ({ each, distance: distanceOf(name, each) }))
    .toSorted((a, b) => a.distance - b.distance);
  return nearest === undefined || nearest.distance > DISTANCE_MAX ? null : nearest.each;
}

/** Levenshtein's distance: how many letters must be added, left out or changed. */
function distanceOf(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const [line, letter] of from.split('').entries()) {
    const above = row;
    row = [line + 1];
    for (const [column, other] of to.split('').entries()) {
      const changed = (above[column] ?? 0) + (letter === other ? 0 : 1);
      row.push(Math.min(changed, (above[column + 1] ?? 0) + 1, (row[column] ?? 0) + 1));
    }
  }
  return row.at(-1) ?? 0;
}
