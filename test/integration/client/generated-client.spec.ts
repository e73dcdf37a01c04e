// Does a client that is generated from the API's description compile under strict settings, and does it tell the
// README's story?
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import openapiTS, { astToString } from 'openapi-typescript';
import ts from 'typescript';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { ADMIN_KEY, useTestServer } from '../../support/test-server.js';

const ROOT = resolve(import.meta.dirname, '../../..');
const SETTINGS: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2022.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
  module: ts.ModuleKind.NodeNext,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noUnusedLocals: true,
  skipLibCheck: true,
  types: [],
};
const told = z.looseObject({
  term: z.int(),
  run: z.looseObject({ state: z.string() }),
  fires: z.array(z.looseObject({ dueAt: z.string() })),
  refused: z.array(z.string()),
});

let folder: string;
let findings: string[];

/** Where the packages of this repository are found; and before a replica is there, whose heartbeats it would delay. */
beforeAll(async () => {
  await mkdir(join(ROOT, '.data'), { recursive: true });
  folder = await mkdtemp(join(ROOT, '.data/generated-client-'));
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }');
  await copyFile(join(ROOT, 'docs/examples/generated-client.ts'), join(folder, 'generated-client.ts'));
  const types = await openapiTS(pathToFileURL(join(ROOT, 'docs/openapi.json')));
  await writeFile(join(folder, 'carillon-api.d.ts'), astToString(types));
  const program = ts.createProgram([join(folder, 'generated-client.ts')], SETTINGS);
  const found = [...ts.getPreEmitDiagnostics(program), ...program.emit().diagnostics];
  findings = found.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const server = useTestServer();

it('compiles', () => {
  expect(findings).toEqual([]);
});

it('tells the story', async () => {
  const module: unknown = await import(pathToFileURL(join(folder, 'generated-client.js')).href);
  const { story } = module as { story: (url: string, key: string) => Promise<unknown> }; // as compiled above
  expect(told.parse(await story(server.url, ADMIN_KEY))).toMatchObject({
    run: { state: 'succeeded' },
    refused: ['/jobType'],
  });
});
