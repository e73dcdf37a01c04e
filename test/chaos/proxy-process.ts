// How does the harness use a replica's proxy? It starts the process, gives orders and waits until each is in force.
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Topic } from '#kernel/topic.js';
import type { Channel, Order, Report, Weather } from './proxy-orders.js';
import { CHANNELS } from './proxy-orders.js';

const PROGRAM = fileURLToPath(new URL('tcp-proxy.ts', import.meta.url));
const HOOKS = fileURLToPath(new URL('../support/typescript.mjs', import.meta.url));

/** Where channels are led to, if that is not the database itself. */
export type Ports = Readonly<Partial<Record<Channel, number>>>;

export class ProxyProcess {
  readonly answerLost = new Topic<{ channel: Channel; tag: string }>();
  readonly #child: ChildProcess;
  readonly #ports: Record<Channel, number>;
  readonly #obeyed = new Map<number, () => void>();
  #orders = 0;

  private constructor(child: ChildProcess, ports: Record<Channel, number>) {
    this.#child = child;
    this.#ports = ports;
    child.on('message', (message) => this.#hear(message as Report)); // the proxy sends nothing else
  }

  static async start(databaseUrl: string, to: Ports = {}): Promise<ProxyProcess> {
    const { port } = new URL(databaseUrl);
    const child = fork(PROGRAM, [String(to.session ?? port), String(to.work ?? port)], {
      execArgv: ['--conditions=source', '--import', HOOKS],
    });
    const ports = await new Promise<Record<Channel, number>>((resolve, reject) => {
      child.once('message', (message) => {
        const report = message as Report; // the first one, by its protocol
        if (report.kind === 'listening') resolve(report.ports);
      });
      child.once('exit', (code) => reject(new Error(`expected a proxy that listens, got exit code ${code}`)));
    });
    return new ProxyProcess(child, ports);
  }

  /** The same database, reached through this proxy. */
  urlThrough(channel: Channel, databaseUrl: string): string {
    return Object.assign(new URL(databaseUrl), { port: String(this.#ports[channel]) }).href;
  }

  async order(order: Order): Promise<void> {
    const id = (this.#orders += 1);
    const obeyed = new Promise<void>((resolve) => this.#obeyed.set(id, resolve));
    this.#child.send({ id, order });
    await obeyed;
  }

  async weather(weather: Weather, channels: readonly Channel[] = CHANNELS): Promise<void> {
    await this.order({ kind: 'weather', channels, weather });
  }

  close(): void {
    this.#child.kill('SIGKILL');
  }

  #hear(report: Report): void {
    if (report.kind === 'answer-lost') this.answerLost.publish(report);
    if (report.kind !== 'obeyed') return;
    this.#obeyed.get(report.id)?.();
    this.#obeyed.delete(report.id);
  }
}
