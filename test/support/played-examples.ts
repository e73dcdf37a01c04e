// Plays the examples of the API's description as they stand. Names are those of the document; ids and tokens, which the
// server makes, are taken from the answers that gave them.
import type TestAgent from 'supertest/lib/agent.js';
import type { Response } from 'supertest';
import type { Operation } from './api-description.js';

/** By the names of the parameters and fields that take them. */
export type Made = Record<string, unknown>;

/** Which field of whose answer is taken for what. */
const GIVEN: Readonly<Record<string, readonly [taken: string, field: string]>> = {
  createApiKey: ['key', 'id'],
  rotateWebhookSecret: ['secret', 'id'],
  createRun: ['run', 'id'],
  backfillSchedule: ['operation', 'id'],
  registerWorker: ['worker', 'workerId'],
  acquireLock: ['lockToken', 'token'],
};

export async function play(api: TestAgent, operation: Operation, made: Made): Promise<Response> {
  const method = operation.method as 'get' | 'put' | 'post' | 'patch' | 'delete'; // which the description has
  const exampleOf = (name: string): unknown =>
    made[name] ?? operation.parameters.find((parameter) => parameter.name === name)?.['example'];
  const path = operation.path.replaceAll(/\{(\w+)\}/g, (_, name: string) => String(exampleOf(name)));
  const needed = operation.parameters.filter((parameter) => parameter['example'] !== undefined);
  const call = api[method](path);
  for (const { name, in: place } of needed) {
    if (place === 'header') void call.set(name, String(exampleOf(name)));
    if (place === 'query') void call.query({ [name]: exampleOf(name) });
  }
  for (const [type, { example }] of Object.entries(operation.requestBody?.content ?? {}).slice(0, 1))
    void call.type(type).send(typeof example === 'string' ? example : withMade(example, made));
  const response = await call;
  const [taken, field] = GIVEN[operation.operationId] ?? [];
  if (taken !== undefined && field !== undefined) made[taken] = (response.body as Made)[field];
  return response;
}

function withMade(example: unknown, made: Made): object {
  const body = { ...(example as Made) }; // each body is an object
  if ('workerId' in body) body['workerId'] = made['worker'];
  if ('token' in body) body['token'] = made['lockToken'];
  return body;
}
