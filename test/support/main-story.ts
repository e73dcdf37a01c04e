// Can the main story be read as docs/ARCHITECTURE.md tells it? Each row of its table is read in one room, the files that
// it names lie in that room, and no two rows share one: a reader of the story enters ten rooms and no more. None of the
// files is longer than a sitting.

export interface StoryRow {
  number: string;
  room: string;
  files: string[];
}

export const STORY_ROOMS = 10;
export const STORY_LINES_MAX = 250;

const ROW = /^\| (?<number>\d+) \|[^|]*\|(?<room>[^|]*)\|(?<read>[^|]*)\|[^|]*\|$/;

export function storyRows(page: string): StoryRow[] {
  return page.split('\n').flatMap((line) => {
    const { number, room, read } = ROW.exec(line)?.groups ?? {};
    if (number === undefined || room === undefined || read === undefined) return [];
    return [{ number, room: quoted(room).join(' and '), files: quoted(read) }];
  });
}

/** What is wrong with the story; `sources` has how many lines each file has, by its path. */
export function storyFindings(rows: readonly StoryRow[], sources: ReadonlyMap<string, number>): string[] {
  const rooms = new Set(rows.map(({ room }) => room));
  return [
    ...(rows.length === STORY_ROOMS && rooms.size === STORY_ROOMS
      ? []
      : [`${rows.length} rows in ${rooms.size} rooms`]),
    ...rows.flatMap(({ number, room, files }) =>
      files.length === 0
        ? [`row ${number} names no file`]
        : files.flatMap((file) => {
            const lines = sources.get(`libs/${room}/${file}`);
            if (lines === undefined) return [`row ${number}: ${file} is not in ${room}`];
            return lines > STORY_LINES_MAX ? [`row ${number}: ${file} has ${lines} lines`] : [];
          }),
    ),
  ];
}

function quoted(cell: string): string[] {
  return [...cell.matchAll(/`(?<name>[^`]+)`/g)].flatMap(({ groups }) => groups?.['name'] ?? []);
}
