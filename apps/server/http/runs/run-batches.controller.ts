// How are many runs created at once? Each is checked as if it came alone, and the valid ones are written in one
// transaction: with `all-or-nothing` only if all are valid, with `per-item` in any case.
import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { inTransaction } from '#database/connection.js';
import type { Enqueued } from '#execution/intake/enqueue.js';
import { RunIntake } from '#execution/intake/run-intake.js';
import { jsonPointer } from '#kernel/json/json-pointer.js';
import type { Tenant } from '#tenancy/tenant.repository.js';
import { CurrentTenant } from '../access/auth.guard.js';
import { BodyTurn } from '../access/body-room.js';
import { parseRun, RunText } from './batch-body.js';
import { fieldErrors } from '../problems/field-errors.js';
import { Idempotent, Writes, type Writing } from '../access/idempotency.js';
import { JobCheck, type CheckJob } from '../job-types/job-check.js';
import { invalidField, invalidFields, ProblemError, type ProblemExtras } from '../problems/problem.js';
import * as shapes from './run-batch.shapes.js';
import { problemOf, wantedOf } from './run-requests.js';
import { runInput, type RunInput } from './run.shapes.js';
import { ApiTenant } from '../requests/shapes.js';
import { betweenParts, type NextTurn } from '../requests/body-turns.js';
import { findUnstorable } from '../requests/storable.js';

interface CheckedItem {
  index: number;
  input: RunInput;
}

interface RefusedItem {
  index: number;
  problem: ProblemError;
}

@ApiTags('runs')
@ApiBearerAuth()
@ApiTenant()
@Controller('api/v1/tenants/:tenant/runs\\:batchCreate')
export class RunBatchesController {
  constructor(
    private readonly jobs: JobCheck,
    private readonly intake: RunIntake<Tenant>,
  ) {}

  @Post()
  @HttpCode(200)
  @Idempotent()
  @ApiOperation({
    operationId: 'createRuns',
    summary: 'Create up to 10,000 runs',
    description: 'An acknowledged run is never lost.',
  })
  @ApiOkResponse({ standardSchema: shapes.batchResult })
  async create(
    @CurrentTenant() tenant: Tenant,
    @Body({ schema: shapes.batchInput }) { mode, runs }: shapes.BatchInput,
    @Writes() writing: Writing,
    @BodyTurn() nextTurn: NextTurn,
  ) {
    const checkJob = this.jobs.checkerFor(tenant, writing.db);
    const { checked, refused } = await checkAll(runs, checkJob, betweenParts(nextTurn));
    const isWhole = mode === 'all-or-nothing';
    if (isWhole) refuseIfAny(refused);
    return inTransaction(writing.db, async (db) => {
      const wanted = checked.map(({ input }) => wantedOf(input));
      const { results, quota } = await this.intake.takeAll(tenant, wanted, { ...writing, db });
      const kept: shapes.BatchItem[] = [];
      for (const [place, { index, input }] of checked.entries()) {
        const result = results[place] ?? { kind: 'over-quota' };
        const problem = problemOf(result, input.unique?.key, quota);
        if (problem !== null) refused.push({ index, problem });
        else kept.push(itemOf(index, result));
      }
      // Thrown inside, so that the written runs are rolled back.
      if (isWhole) refuseIfAny(refused);
      const items = [...kept, ...refused.map(refusal)].toSorted((a, b) => a.index - b.index);
      const created = kept.filter(({ deduplicated }) => deduplicated === false).length;
      return { created, failed: refused.length, results: items };
    });
  }
}

async function checkAll(
  runs: readonly unknown[],
  checkJob: CheckJob,
  turn: () => Promise<void>,
): Promise<{ checked: CheckedItem[]; refused: RefusedItem[] }> {
  const checked: CheckedItem[] = [];
  const refused: RefusedItem[] = [];
  for (const [index, given] of runs.entries()) {
    await turn();
    const read = readRun(given);
    const problem = read instanceof ProblemError ? read : await checkJob(read);
    if (problem !== null) refused.push({ index, problem });
    else if (!(read instanceof ProblemError)) checked.push({ index, input: read });
  }
  return { checked, refused };
}

function readRun(text: unknown): RunInput | ProblemError {
  const given = valueOf(text);
  if (given instanceof ProblemError) return given;
  const unstorable = findUnstorable(given);
  if (unstorable !== null) return invalidField(jsonPointer(unstorable.path), unstorable.detail);
  const parsed = runInput.safeParse(given);
  return parsed.success ? parsed.data : invalidFields(fieldErrors(parsed.error.issues, given, jsonPointer));
}

/** Throws the problem of a text that is no JSON, which makes the whole body invalid. */
function valueOf(text: unknown): unknown {
  if (!(text instanceof RunText)) return text;
  try {
    return parseRun(text);
  } catch (error) {
    if (error instanceof ProblemError && error.type !== 'malformed-json') return error;
    throw error;
  }
}

function itemOf(index: number, result: Enqueued): shapes.BatchItem {
  return {
    index,
    ...('id' in result ? { id: result.id } : {}),
    deduplicated: result.kind !== 'created',
    replaced: result.kind === 'replaced',
  };
}

function refusal({ index, problem }: RefusedItem): shapes.BatchItem {
  const [first] = problem.extras.errors ?? [];
  return {
    index,
    error: {
      code: problem.code,
      detail: first?.detail ?? problem.message,
      pointer: `/runs/${index}${first?.pointer ?? ''}`,
    },
  };
}

const TOLD_MAX = 50;

/** Throws one problem for the batch, with the type of the first refusal and the errors of all. */
function refuseIfAny(refused: readonly RefusedItem[]): void {
  const [first] = refused;
  if (first === undefined) return;
  const errors = refused
    .flatMap(({ index, problem }) =>
      (problem.extras.errors ?? [{ pointer: '', detail: problem.message }]).map(({ pointer, detail }) => ({
        pointer: `/runs/${index}${pointer}`,
        detail,
      })),
    )
    .slice(0, TOLD_MAX);
  const extras: ProblemExtras = { ...first.problem.extras, errors };
  throw new ProblemError(
    first.problem.type,
    `expected all runs to be valid, got ${refused.length} that are not; nothing was created; the first is /runs/${first.index}: ${first.problem.message}`,
    extras,
  );
}
