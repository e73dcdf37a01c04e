// Is the worker of this application well? Its answer has the form of Terminus, without needing it:
// `health.check([() => carillonHealth.check()])`.

export type WorkerState =
  /** The module has no worker. */
  | { worker: 'off' }
  /** It has not been admitted by a replica yet. */
  | { worker: 'registering' }
  | { worker: 'running' }
  /** The application ends. */
  | { worker: 'draining' }
  /** It was refused for good, or ended by an operator, and takes no run until the application starts again. */
  | { worker: 'ended'; reason: string };

/** Inject it into a health controller. */
export class CarillonHealth {
  #state: WorkerState = { worker: 'off' };

  /** For the worker alone. */
  note(state: WorkerState): void {
    this.#state = state;
  }

  /** `up` while the worker takes runs, or where there is none; otherwise `down`, and why. */
  check<Key extends string = 'carillon'>(
    key?: Key,
  ): Record<Key, { status: 'up' | 'down'; worker: WorkerState['worker']; reason?: string }> {
    const isUp = this.#state.worker === 'off' || this.#state.worker === 'running';
    const answer = { status: isUp ? ('up' as const) : ('down' as const), ...this.#state };
    // The default of the parameter's type is that of its value.
    return { [key ?? 'carillon']: answer } as Record<Key, typeof answer>;
  }
}
