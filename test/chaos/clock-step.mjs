// What if the wall clock of one replica jumps? Loaded into its process before anything else (node --import), this
// moves every Date by what the harness says over the IPC channel. The monotonic clock is left alone, as a step of the
// machine's clock would leave it. libfaketime would do the same from outside, where it is installed.
let offsetMs = 0;
const RealDate = Date;

globalThis.Date = new Proxy(RealDate, {
  construct: (target, args, newTarget) =>
    Reflect.construct(target, args.length > 0 ? args : [RealDate.now() + offsetMs], newTarget),
  apply: () => new RealDate(RealDate.now() + offsetMs).toString(),
  get: (target, key) => (key === 'now' ? () => RealDate.now() + offsetMs : Reflect.get(target, key)),
});

process.on('message', (message) => {
  if (message?.kind === 'clock-step') offsetMs = message.ms;
});
