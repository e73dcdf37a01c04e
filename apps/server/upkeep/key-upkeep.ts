// Keeps API keys up to date. Each minute this replica renews its configured administrator's key, which would expire
// otherwise, and records which keys were used. A configured key that was revoked stays revoked: the replica logs it
// and works on, since its restart must not depend on the key.
import { Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { PinoLogger } from 'nestjs-pino';
import type { Loop } from '#kernel/loop.js';
import { KeyRing } from '#tenancy/api-keys.js';
import { LoopTimers } from '../loop-timers.js';

const EACH_MS = 60_000;

@Injectable()
export class KeyUpkeep implements Loop, OnApplicationBootstrap {
  readonly name = 'key-upkeep';
  #isRefused = false;

  constructor(
    private readonly keys: KeyRing,
    private readonly timers: LoopTimers,
    private readonly logger: PinoLogger,
  ) {}

  onApplicationBootstrap(): void {
    this.timers.drive(this);
  }

  async runOnce(): Promise<number> {
    this.#tell(!(await this.keys.nameConfigured()));
    await this.keys.noteUsed();
    return EACH_MS;
  }

  #tell(isRefused: boolean): void {
    if (isRefused && !this.#isRefused)
      this.logger.warn(
        "expected CARILLON_ADMIN_KEY to be an administrator's key, got one that was revoked or is a tenant's; it gives no access here",
      );
    this.#isRefused = isRefused;
  }
}
