// The terminal of the person: lines that stay and, on a terminal, one status line below them that is rewritten.
// Without a terminal (a pipe, a file, CI) there are no control characters, and the status is an ordinary line now and
// then. styleText itself obeys NO_COLOR and the like.
import { styleText } from 'node:util';
import { fit } from './phrases.js';

type Style = Parameters<typeof styleText>[0];

const CLEAR_LINE = '\r\u001B[2K';
const PLAIN_STATUS_MS = 10_000;
/** After a minute a log file has shown enough. */
const PLAIN_STATUS_LATER_MS = 60_000;

export class Screen {
  readonly #startedAtMs = performance.now();
  #status = '';
  #plainStatusAtMs = this.#startedAtMs;

  constructor(private readonly out: NodeJS.WriteStream) {
    // The reader is gone (`| head`, a closed terminal): the replicas must run on without it.
    out.on('error', () => undefined);
  }

  line(text = ''): void {
    this.out.write(`${this.#status === '' ? '' : CLEAR_LINE}${text}\n`);
    this.#drawStatus();
  }

  status(text: string): void {
    if (this.out.isTTY) {
      this.#status = text;
      this.#drawStatus();
      return;
    }
    const nowMs = performance.now();
    const isFirstMinute = nowMs - this.#startedAtMs < PLAIN_STATUS_LATER_MS;
    if (nowMs - this.#plainStatusAtMs < (isFirstMinute ? PLAIN_STATUS_MS : PLAIN_STATUS_LATER_MS)) return;
    this.#plainStatusAtMs = nowMs;
    this.line(text);
  }

  /** Removes the status line. */
  clearStatus(): void {
    if (this.#status !== '') this.out.write(CLEAR_LINE);
    this.#status = '';
  }

  paint(style: Style, text: string): string {
    return styleText(style, text, { stream: this.out });
  }

  #drawStatus(): void {
    if (this.#status === '') return;
    // One column less, or a full line would wrap and could no longer be cleared.
    this.out.write(`${CLEAR_LINE}${this.paint('dim', fit(this.#status, (this.out.columns || 80) - 1))}`);
  }
}
