// Is the replica of this application well? Its answer has the form of Terminus, without needing it:
// `health.check([() => carillonReplica.check()])`.

type State = 'starting' | 'ready' | 'not-ready' | 'ended';

/** Inject it into a health controller. */
export class CarillonReplica {
  #look: () => State = () => 'starting';

  /** For the module alone. */
  watch(look: () => State): void {
    this.#look = look;
  }

  /** `up` while the replica sends its heartbeats and is not draining. */
  check<Key extends string = 'carillon'>(key?: Key): Record<Key, { status: 'up' | 'down'; replica: State }> {
    const replica = this.#look();
    const answer = { status: replica === 'ready' ? ('up' as const) : ('down' as const), replica };
    // The default of the parameter's type is that of its value.
    return { [key ?? 'carillon']: answer } as Record<Key, typeof answer>;
  }
}
