// JSON that a person gives to a command: as it is, in a file (`@payload.json`), or through stdin (`-`).
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CliError } from '../cli-error.js';
import { EXIT } from '../exit-codes.js';
import type { World } from '../world.js';

export async function readJson(world: World, what: string, given: string): Promise<unknown> {
  const text = await textOf(world, what, given);
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    const got = text.length > 60 ? `${text.slice(0, 60)}…` : text;
    throw new CliError(
      `${what}: expected JSON, @FILE or -, got ${JSON.stringify(got)}: ${(error as Error).message}`,
      EXIT.usage,
    );
  }
}

/** The text of a file, or of stdin for `-`. */
export async function readText(world: World, what: string, path: string): Promise<string> {
  if (path === '-') return world.readInput();
  return readFile(resolve(world.folder, path), 'utf8').catch((error: Error) => {
    throw new CliError(
      `${what}: expected a file to read, got ${JSON.stringify(path)}: ${error.message}`,
      EXIT.usage,
    );
  });
}

async function textOf(world: World, what: string, given: string): Promise<string> {
  if (given === '-') return readText(world, what, '-');
  return given.startsWith('@') ? readText(world, what, given.slice(1)) : given;
}
