// Enqueues the job for a request, and is its handler: the provider's own injections are there for both.
import { setTimeout as rest } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { JobOf, SharedContext } from 'carillon';
import { CarillonClient, JobHandler } from 'carillon/nest';
import { sendInvoice } from './jobs.js';

@Injectable()
export class Mailer {
  async send(to: string, { idempotencyKey }: { idempotencyKey: string }): Promise<string> {
    await rest(500); // a mail server takes its time
    return `${to}, once by ${idempotencyKey}`;
  }
}

@Injectable()
export class Invoices {
  constructor(
    private readonly mailer: Mailer,
    private readonly carillon: CarillonClient,
  ) {}

  async order(to: string): Promise<string> {
    const { id } = await this.carillon.enqueue(sendInvoice, { to });
    return id;
  }

  // It may run more than once: the key is the same each time.
  @JobHandler(sendInvoice)
  async send({ payload }: JobOf<typeof sendInvoice>, { idempotencyKey, log }: SharedContext) {
    log.info({ to: payload.to }, 'sending');
    return { sent: await this.mailer.send(payload.to, { idempotencyKey }) };
  }
}
