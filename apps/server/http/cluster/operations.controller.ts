// What may an operator do to the cluster? Drain a replica and return it to service, remove an ended one from the
// list, end a term, and preview changes of the ring.
import { Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { insertEvent } from '#cluster/cluster-event.repository.js';
import { previewRing } from '#cluster/slots/decisions/ring-preview.js';
import { endTerm } from '#cluster/leadership/leadership.repository.js';
import {
  deleteEnded,
  findReplicaState,
  moveOnTo,
  returnToService,
} from '#cluster/membership/replica.repository.js';
import { livingOfName, namesOf } from '#cluster/membership/replica-listing.repository.js';
import { listSlots, readNewestRing } from '#cluster/slots/slot-owner.repository.js';
import type { Database } from '#database/connection.js';
import { placementHash } from '#database/runtime/hash.js';
import { asId, type ReplicaNumber } from '#kernel/ids.js';
import { findTenant } from '#tenancy/tenant.repository.js';
import { API_DATABASE } from '../../tokens.js';
import { AdminOnly } from '../access/auth.guard.js';
import { inDigits } from '../answers/in-digits.js';
import { invalidField, notFound, ProblemError } from '../problems/problem.js';
import { resourceName } from '../requests/shapes.js';

const replicaNumber = z
  .string()
  .regex(/^\d{1,9}$/, 'expected the number of a replica')
  .transform((digits) => asId.replica(Number(digits)));
const replicaNamed = z
  .union([replicaNumber, z.string().min(1).max(200)])
  .describe('Its number, or the CARILLON_NAME of a living replica.');
type ReplicaNamed = z.output<typeof replicaNamed>;
const stateShape = z
  .object({ number: z.int(), state: z.enum(['active', 'draining', 'dead', 'left']) })
  .meta({ id: 'ReplicaState' });
const termShape = z.object({ term: z.int() }).meta({ id: 'EndedTerm' });
const lookupQuery = z.strictObject({ tenant: resourceName });
const lookupShape = z
  .object({
    tenant: z.string(),
    slot: z.int(),
    owner: z.int().nullable(),
    ownerName: z.string().nullable().describe('Its CARILLON_NAME.'),
    epoch: z.int(),
    target: z.int().nullable(),
    targetName: z.string().nullable().describe('Its CARILLON_NAME.'),
  })
  .meta({ id: 'SlotOfTenant' });
const simulateQuery = z.strictObject({
  without: replicaNumber.optional().describe('The number of a member that would leave.'),
  with: inDigits(z.int().min(1).max(100)).optional().describe('The weight of a member that would join.'),
});
const previewShape = z
  .object({
    movedSlots: z.int(),
    members: z.array(
      z.object({
        replica: z.int(),
        replicaName: z.string().nullable().describe('Its CARILLON_NAME; null for the one that would join.'),
        weight: z.int(),
        slotsNow: z.int(),
        slotsThen: z.int(),
      }),
    ),
  })
  .meta({ id: 'RingPreview' });

@ApiTags('cluster')
@ApiBearerAuth()
@AdminOnly()
@Controller('api/v1/cluster')
export class OperationsController {
  constructor(@Inject(API_DATABASE) private readonly db: Database) {}

  @Post('replicas/:replica\\:drain')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'drainReplica',
    summary: 'Drain a replica',
    description: 'It takes no new work, hands all slots over and finishes its running work.',
  })
  @ApiOkResponse({ standardSchema: stateShape })
  async drain(@Param('replica', { schema: replicaNamed }) named: ReplicaNamed) {
    const replica = await this.#numberOf(named);
    if (await moveOnTo(this.db, replica, 'draining'))
      await insertEvent(this.db, { type: 'replica-draining', replica });
    return this.#stateThatIs(replica, 'draining');
  }

  @Post('replicas/:replica\\:undrain')
  @HttpCode(200)
  @ApiOperation({ operationId: 'undrainReplica', summary: 'Take a draining replica back into service' })
  @ApiOkResponse({ standardSchema: stateShape })
  async undrain(@Param('replica', { schema: replicaNamed }) named: ReplicaNamed) {
    const replica = await this.#numberOf(named);
    if (await returnToService(this.db, replica))
      await insertEvent(this.db, { type: 'replica-returned', replica });
    return this.#stateThatIs(replica, 'active');
  }

  @Post('replicas/:replica\\:forget')
  @HttpCode(204)
  @ApiOperation({
    operationId: 'forgetReplica',
    summary: 'Remove a replica that is dead or has left from the list',
  })
  async forget(@Param('replica', { schema: replicaNumber }) replica: ReplicaNumber): Promise<void> {
    if (await deleteEnded(this.db, replica)) return;
    const state = await this.#state(replica);
    throw new ProblemError(
      'invalid-state',
      `expected a replica that is dead or has left, got one whose state is ${state}`,
      { currentState: state },
    );
  }

  @Post('leader\\:stepDown')
  @HttpCode(200)
  @ApiOperation({
    operationId: 'stepDownLeader',
    summary: 'End the current term',
    description: 'The replicas elect a leader again, perhaps the same one.',
  })
  @ApiOkResponse({ standardSchema: termShape })
  async stepDown() {
    const term = await endTerm(this.db);
    await insertEvent(this.db, { type: 'term-ended', term });
    return { term };
  }

  @Get('ring\\:lookup')
  @ApiOperation({ operationId: 'lookUpSlot', summary: 'Find the slot of a tenant and its owner' })
  @ApiOkResponse({ standardSchema: lookupShape })
  async lookup(@Query({ schema: lookupQuery }) { tenant: name }: z.output<typeof lookupQuery>) {
    const tenant = await findTenant(this.db, name);
    if (tenant === undefined) throw notFound('tenant', name);
    const { owner = null, epoch = 0, target = null } = (await listSlots(this.db))[tenant.slot] ?? {};
    const nameOf = await namesOf(this.db, [owner, target]);
    return {
      tenant: name,
      slot: tenant.slot,
      owner,
      ownerName: nameOf(owner),
      epoch,
      target,
      targetName: nameOf(target),
    };
  }

  @Get('ring\\:simulate')
  @ApiOperation({
    operationId: 'simulateRing',
    summary: 'Preview which slots would move if a replica left or joined',
    description: 'Writes nothing.',
  })
  @ApiOkResponse({ standardSchema: previewShape })
  async simulate(@Query({ schema: simulateQuery }) query: z.output<typeof simulateQuery>) {
    const { without, with: weight } = query;
    if ((without === undefined) === (weight === undefined))
      throw invalidField('?without', 'expected either without or with, got both or none');
    const [ring, slots] = await Promise.all([readNewestRing(this.db), listSlots(this.db)]);
    const members = ring?.members ?? [];
    if (without !== undefined && !members.some((member) => member.replica === without)) {
      throw invalidField(
        '?without',
        `expected a member of the ring (${members.map((member) => member.replica).join(', ')}), got ${without}`,
      );
    }
    const change =
      without === undefined
        ? ({ kind: 'join', weight: weight ?? 1 } as const)
        : ({ kind: 'leave', replica: without } as const);
    const nameOf = await namesOf(
      this.db,
      members.map((member) => member.replica),
    );
    const preview = previewRing({
      currentOwners: slots.map((slot) => slot.target ?? slot.owner),
      members,
      change,
      hash: placementHash,
    });
    const named = preview.members.map(({ replica, ...member }) => ({
      replica,
      replicaName: nameOf(asId.replica(replica)),
      ...member,
    }));
    return { ...preview, members: named };
  }

  async #numberOf(named: ReplicaNamed): Promise<ReplicaNumber> {
    if (typeof named === 'number') return named;
    const numbers = await livingOfName(this.db, named);
    const [number] = numbers;
    if (number === undefined) throw notFound('replica', named);
    if (numbers.length === 1) return number;
    const detail = `expected one replica with the name ${JSON.stringify(named)}, got ${numbers.length}; name it by its number: ${numbers.join(', ')}`;
    throw invalidField(':replica', detail);
  }

  async #stateThatIs(replica: ReplicaNumber, expected: 'active' | 'draining') {
    const state = await this.#state(replica);
    if (state === expected) return { number: replica, state };
    throw new ProblemError(
      'invalid-state',
      `expected a replica that is active or draining, got one whose state is ${state}`,
      { currentState: state },
    );
  }

  async #state(replica: ReplicaNumber) {
    const state = await findReplicaState(this.db, replica);
    if (state === undefined) throw notFound('replica', String(replica));
    return state;
  }
}
