// Where do the lines go that workers outside log? To whoever keeps the runs' logs: this only hands them on.
import { Injectable } from '@nestjs/common';
import type { RunId } from '#kernel/ids.js';
import { Topic } from '#kernel/topic.js';

export interface LeaseLogLine {
  runId: RunId;
  attempt: number;
  at: Date;
  level: 'debug' | 'info' | 'warn' | 'error';
  message: string;
  fields?: object | undefined;
}

@Injectable()
export class LeaseLogs extends Topic<readonly LeaseLogLine[]> {}
