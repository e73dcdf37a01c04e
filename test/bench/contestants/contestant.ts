// What can be done with every contestant alike? Work is put in while none takes it, and then so many processes do it: they
// are started, and connected, before, and have done some of the same before.

export interface Contestant {
  readonly name: string;
  readonly databaseUrl: string;
  /** Has so many processes, ready for work. */
  staff(processes: number): Promise<void>;
  readonly pids: () => readonly number[];
  /** Puts so many no-ops in; they may not start yet. */
  fill(runs: number): Promise<void>;
  /** Lets them start. Resolves, when nothing is left of these, with the time since the first start. */
  drain(runs: number): Promise<number>;
  /** Forgets what was done. */
  clear(): Promise<void>;
  /** Has no process any more. */
  dismiss(): Promise<void>;
  close(): Promise<void>;
}
