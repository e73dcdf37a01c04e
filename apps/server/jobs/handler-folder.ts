// The handlers of a folder: the exports of its modules that `handler(defineJob(…), …)` made. A module that can't be
// loaded, or that exports no handler, stops the start with a message that names it, since its author means it to
// work.
import { readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isExportedHandler, type ExportedHandler } from '#client/jobs/handler.js';
import { describeError } from '#client/jobs/thrown-error.js';
import { ConfigError } from '#kernel/errors.js';
import { resolveCarillonImports } from './carillon-import.js';

export interface FolderHandler extends ExportedHandler {
  /** The module that exports it. */
  readonly file: string;
  /** The name of the export. */
  readonly name: string;
  readonly moduleUrl: string;
}

export const placeOf = ({ file, name }: Pick<FolderHandler, 'file' | 'name'>): string =>
  `${file} (export ${name})`;

const MODULE = /\.(js|mjs|ts)$/;
const NO_MODULE = /\.d\.ts$|\.(spec|test)\.[jt]s$/;

/** Reads the folder itself and no folder inside it, where modules may keep shared code. Throws ConfigError. */
export async function loadHandlerFolder(folder: string): Promise<FolderHandler[]> {
  resolveCarillonImports();
  const files = await listModules(resolve(folder));
  const handlers: FolderHandler[] = [];
  for (const file of files) {
    for (const found of await loadModule(file)) {
      const { name } = found.definition;
      const other = handlers.find(({ definition }) => definition.name === name);
      if (other !== undefined) throw twice(name, placeOf(found), placeOf(other));
      handlers.push(found);
    }
  }
  return handlers;
}

/** The error for two handlers of one job. */
export function twice(name: string, place: string, other: string): ConfigError {
  return new ConfigError(`${place}: expected one handler for job ${name}, got another one in ${other}`);
}

async function listModules(folder: string): Promise<string[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (error) {
    throw new ConfigError(
      `CARILLON_HANDLERS: expected a folder that can be read, got ${folder} (${describeError(error).message})`,
    );
  }
  const modules = names.filter((name) => MODULE.test(name) && !NO_MODULE.test(name) && !name.startsWith('.'));
  if (modules.length === 0)
    throw new ConfigError(`CARILLON_HANDLERS: expected .js, .mjs or .ts modules in ${folder}, got none`);
  return modules.toSorted().map((name) => join(folder, name));
}

async function loadModule(file: string): Promise<FolderHandler[]> {
  const moduleUrl = pathToFileURL(file).href;
  let exported: [name: string, value: unknown][];
  try {
    const loaded = (await import(/* @vite-ignore */ moduleUrl)) as Record<string, unknown>;
    exported = Object.entries(loaded);
  } catch (error) {
    const { name, message, stack = '' } = describeError(error);
    // A syntax error's stack begins with the place, which its message leaves out.
    const place = stack.startsWith('file:') ? ` at ${stack.split('\n', 1).join('')}` : '';
    throw new ConfigError(`${file}: expected a module that loads, got ${name}: ${message}${place}`);
  }
  const handlers = new Map<ExportedHandler, string>();
  for (const [name, value] of exported)
    if (isExportedHandler(value) && !handlers.has(value)) handlers.set(value, name);
  if (handlers.size === 0) {
    const others = exported.length === 0 ? 'none' : exported.map(([name]) => name).join(', ');
    throw new ConfigError(
      `${file}: expected an export made by handler(defineJob(…), …), got ${exported.length} exports of other kinds (${others})`,
    );
  }
  return [...handlers].map(([handler, name]) => ({ ...handler, file, name, moduleUrl }));
}
