// A stand-in: a constant for a thing that exists only once a hook has made it, such as a database or a server. A file
// names it where it is loaded and uses it in tests and in hooks, as if it were the thing itself. Read too early, it
// fails with the reason, where a `let` would be undefined somewhere else.

export interface StandIn<Value extends object> {
  readonly handle: Value;
  /** Lets the handle stand for this value from now on. */
  become: (value: Value) => void;
}

export function standInFor<Value extends object>(what: string): StandIn<Value> {
  let value: Value | null = null;
  const present = (): Value => {
    if (value !== null) return value;
    throw new Error(
      `expected ${what} to be read in a test or in a hook after the one that makes it, got none yet`,
    );
  };
  // Each trap answers for the value, so the empty object is never looked at.
  const handle = new Proxy({} as Value, {
    get: (_, name) => memberOf(present(), name),
    has: (_, name) => Reflect.has(present(), name),
    ownKeys: () => Reflect.ownKeys(present()),
    getOwnPropertyDescriptor: (_, name) => Reflect.getOwnPropertyDescriptor(present(), name),
  });
  return { handle, become: (next) => void (value = next) };
}

/** Methods are called on the value itself, because private fields (#name) are not found through a proxy. */
function memberOf(value: object, name: string | symbol): unknown {
  const member: unknown = Reflect.get(value, name);
  if (typeof member !== 'function') return member;
  return new Proxy(member, {
    apply: (method, _, given) => Reflect.apply(method as () => unknown, value, given),
  });
}
