// A run that the harness asks for, and how it should end.

export interface Wish {
  readonly jobType: string;
  readonly payload: Record<string, unknown>;
  readonly expected: 'succeeded' | 'dead-lettered';
  readonly queue?: string;
  readonly concurrencyKey?: string;
  readonly priority?: number;
  readonly unique?: { key: string };
}
