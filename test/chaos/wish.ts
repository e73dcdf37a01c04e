// What is a run that somebody wishes for, and how should it end?

export interface Wish {
  readonly jobType: string;
  readonly payload: Record<string, unknown>;
  readonly expected: 'succeeded' | 'dead-lettered';
  readonly queue?: string;
  readonly concurrencyKey?: string;
  readonly priority?: number;
  readonly unique?: { key: string };
}
