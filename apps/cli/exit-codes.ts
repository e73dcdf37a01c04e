// How a command ends, for scripts. The numbers are a promise: docs/CLI.md lists them, and no other is used.
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  refused: 4,
  unreachable: 5,
  conflict: 6,
  interrupted: 130,
  unread: 141,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

export const EXIT_MEANINGS: readonly (readonly [ExitCode, string])[] = [
  [EXIT.done, 'done'],
  [
    EXIT.failed,
    'the thing itself failed: a run that was waited for, a backfill, a check (doctor, audit, status), or there is a difference',
  ],
  [EXIT.usage, 'a wrong call: an argument, a file, or a value that the API refuses'],
  [EXIT.notFound, 'there is none of that name or id'],
  [EXIT.refused, 'the key is unknown or revoked, or may not do this'],
  [EXIT.unreachable, 'no replica answered, or none could do it'],
  [EXIT.conflict, 'its state, a limit or a newer change stands against it'],
  [EXIT.interrupted, 'ended by Ctrl-C'],
  [
    EXIT.unread,
    'the reader of its output has left before the end, and what was still to be done is not done',
  ],
];
