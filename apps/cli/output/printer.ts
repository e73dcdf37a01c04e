// Prints what was asked for: a table for people, tab-separated values for a pipe, or JSON. All but the table are
// written row by row, so a list may be as long as it is, and its reader may leave early.
import type { Sink } from '../world.js';
import { painted } from './paint.js';
import { cellText, jsonText, tsvText } from './cells.js';

export const FORMATS = ['table', 'tsv', 'json', 'ndjson'] as const;
export type Format = (typeof FORMATS)[number];

export type Shown = Readonly<Record<string, unknown>>;

/** By their titles, in the order in which they are shown. */
export type Columns<Row> = Readonly<Record<string, (row: Row) => unknown>>;

type Rows<Row> = AsyncIterable<Row> | Iterable<Row>;

/** Columns that show a field of the same name. */
export function fields(...names: string[]): Columns<object> {
  return Object.fromEntries(names.map((name) => [name, (row: object) => (row as Shown)[name]]));
}

export class Printer {
  constructor(
    private readonly out: Sink,
    readonly format: Format,
    private readonly hasColours: boolean,
  ) {}

  /** JSON has all fields of a row, and the others have the columns. */
  async rows<Row extends object>(rows: Rows<Row>, columns: Columns<Row>): Promise<void> {
    switch (this.format) {
      case 'table':
        return this.#table(rows, columns);
      case 'tsv':
        for await (const row of rows) this.#line(valuesOf(row, columns).map(tsvText).join('\t'));
        return undefined;
      case 'ndjson':
        for await (const row of rows) this.#line(jsonText(row));
        return undefined;
      case 'json':
        return this.#list(rows);
    }
  }

  /** One row of a list that grows as it is read. */
  row<Row extends object>(row: Row, columns: Columns<Row>): void {
    const values = valuesOf(row, columns);
    if (this.format === 'table') return this.#line(values.map(cellText).join('  '));
    this.#line(this.format === 'tsv' ? values.map(tsvText).join('\t') : jsonText(row));
  }

  /** One thing: a line for each field, or for each of `only`; JSON has all of them. */
  record(record: object, only: readonly string[] | null = null): void {
    const entries = Object.entries(record).filter(([name]) => only === null || only.includes(name));
    switch (this.format) {
      case 'table': {
        const width = Math.max(...entries.map(([name]) => name.length));
        for (const [name, value] of entries) {
          const text = cellText(value);
          this.#line(`${name.padEnd(width)}  ${this.#painted(name, text, text)}`);
        }
        return;
      }
      case 'tsv':
        for (const [name, value] of entries) this.#line(`${name}\t${tsvText(value)}`);
        return;
      case 'json':
        return this.#line(jsonText(record, 2));
      case 'ndjson':
        return this.#line(jsonText(record));
    }
  }

  /** As it stands; for what is a text in itself. */
  text(text: string): void {
    this.out.write(text);
  }

  async #table<Row>(rows: Rows<Row>, columns: Columns<Row>): Promise<void> {
    const titles = Object.keys(columns);
    const lines: string[][] = [];
    try {
      for await (const row of rows) lines.push(valuesOf(row, columns).map(cellText));
    } finally {
      // Also where the next row can't be had: what is there by then was done, or was found.
      this.#lines(titles, lines);
    }
  }

  #lines(titles: readonly string[], lines: readonly string[][]): void {
    const widths = titles.map((title, index) =>
      lines.reduce((width, line) => Math.max(width, line[index]?.length ?? 0), heading(title).length),
    );
    const line = (cells: readonly string[], paint: (index: number, text: string, cell: string) => string) =>
      cells
        .map((cell, index) => paint(index, cell.padEnd(widths[index] ?? 0), cell))
        .join('  ')
        .trimEnd();
    this.#line(line(titles.map(heading), (_index, text) => text));
    for (const cells of lines)
      this.#line(line(cells, (index, text, cell) => this.#painted(titles[index] ?? '', text, cell)));
  }

  async #list<Row>(rows: Rows<Row>): Promise<void> {
    let before = '[\n';
    try {
      for await (const row of rows) {
        this.out.write(`${before}  ${jsonText(row)}`);
        before = ',\n';
      }
    } finally {
      this.#line(before === '[\n' ? '[]' : '\n]');
    }
  }

  #painted(title: string, text: string, value: string): string {
    return this.hasColours ? painted(title, text, value) : text;
  }

  #line(text: string): void {
    this.out.write(`${text}\n`);
  }
}

function valuesOf<Row>(row: Row, columns: Columns<Row>): unknown[] {
  return Object.values(columns).map((of) => of(row));
}

/** `nextDueAt` is NEXT DUE AT. */
function heading(title: string): string {
  return title.replaceAll(/[A-Z]/g, (letter) => ` ${letter}`).toUpperCase();
}
