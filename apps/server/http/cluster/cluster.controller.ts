// The state of the cluster. Any replica answers, from the database.
import { Controller, Get, Inject, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { listEvents } from '#cluster/cluster-event.repository.js';
import { readLeadership } from '#cluster/leadership/leadership.repository.js';
import { listReplicas, namesOf } from '#cluster/membership/replica-listing.repository.js';
import { listSlots, readNewestRing } from '#cluster/slots/slot-owner.repository.js';
import type { Database } from '#database/connection.js';
import { API_DATABASE } from '../../tokens.js';
import { AdminOnly } from '../access/auth.guard.js';
import { PageTokens, pageQuery } from '../answers/page-token.js';
import { instant, pageOf } from '../requests/shapes.js';

const replicaShape = z
  .object({
    number: z.int(),
    incarnation: z.uuid(),
    name: z.string(),
    host: z.string(),
    pid: z.int(),
    url: z.string().nullable(),
    publicUrl: z.string().nullable().describe('Its CARILLON_PUBLIC_URL.'),
    version: z.string(),
    roles: z.array(z.string()),
    weight: z.int(),
    preference: z.int(),
    state: z.enum(['active', 'draining', 'dead', 'left']),
    startedAt: instant,
    endedAt: instant.nullable(),
    diedReason: z.string().nullable(),
    beatAt: instant,
    beatAgeMs: z.int(),
    ownedSlots: z.int(),
  })
  .meta({ id: 'Replica' });
const replicaName = z.string().nullable().describe('Its CARILLON_NAME.');
const leaderShape = z
  .object({
    term: z.int(),
    replica: z.int().nullable(),
    replicaName,
    incarnation: z.uuid().nullable(),
    electedAt: instant.nullable(),
  })
  .meta({ id: 'Leader' });
const ringShape = z
  .object({
    version: z.int().describe('0 before the first leader has made a ring.'),
    term: z.int(),
    createdAt: instant.nullable(),
    slotCount: z.int(),
    members: z.array(
      z.object({
        replica: z.int(),
        replicaName,
        weight: z.int(),
        slots: z.int(),
        share: z.number(),
      }),
    ),
    unowned: z.int(),
    handingOver: z.int(),
  })
  .meta({ id: 'Ring' });
const eventShape = z
  .object({
    seq: z.int(),
    at: instant,
    type: z.string(),
    term: z.int().nullable(),
    replica: z.int().nullable(),
    replicaName,
    data: z.looseObject({}),
  })
  .meta({ id: 'ClusterEvent' });
const listQuery = z.strictObject(pageQuery);
const ENDED_SHOWN = 20;

@ApiTags('cluster')
@ApiBearerAuth()
@AdminOnly()
@Controller('api/v1/cluster')
export class ClusterController {
  constructor(
    @Inject(API_DATABASE) private readonly db: Database,
    private readonly pages: PageTokens,
  ) {}

  @Get('replicas')
  @ApiOperation({
    operationId: 'listReplicas',
    summary: 'List the living replicas and the last ones that ended, newest first',
  })
  @ApiOkResponse({ standardSchema: z.object({ items: z.array(replicaShape) }) })
  async replicas() {
    return { items: await listReplicas(this.db, { ended: ENDED_SHOWN }) };
  }

  @Get('leader')
  @ApiOperation({ operationId: 'getLeader', summary: 'Read which replica leads, and in which term' })
  @ApiOkResponse({ standardSchema: leaderShape })
  async leader() {
    const { term, holder: incarnation, replica, electedAt } = await readLeadership(this.db);
    const nameOf = await namesOf(this.db, [replica]);
    return { term, replica, replicaName: nameOf(replica), incarnation, electedAt };
  }

  @Get('ring')
  @ApiOperation({ operationId: 'getRing', summary: 'Read how the slots are distributed among the replicas' })
  @ApiOkResponse({ standardSchema: ringShape })
  async ring() {
    const [ring, slots] = await Promise.all([readNewestRing(this.db), listSlots(this.db)]);
    const nameOf = await namesOf(
      this.db,
      (ring?.members ?? []).map(({ replica }) => replica),
    );
    const owned = Map.groupBy(slots, (slot) => slot.owner);
    const members = (ring?.members ?? []).map(({ replica, weight }) => {
      const count = owned.get(replica)?.length ?? 0;
      return { replica, replicaName: nameOf(replica), weight, slots: count, share: count / slots.length };
    });
    return {
      version: ring?.version ?? 0,
      term: ring?.term ?? 0,
      createdAt: ring?.createdAt ?? null,
      slotCount: slots.length,
      members,
      unowned: owned.get(null)?.length ?? 0,
      handingOver: slots.filter((slot) => slot.target !== null).length,
    };
  }

  @Get('events')
  @ApiOperation({ operationId: 'listClusterEvents', summary: "List the cluster's events, newest first" })
  @ApiOkResponse({ standardSchema: pageOf(eventShape) })
  async events(@Query({ schema: listQuery }) { pageSize, pageToken }: z.infer<typeof listQuery>) {
    const filter = { events: true };
    const token = this.pages.open(pageToken, filter);
    const rows = await listEvents(this.db, {
      before: token === null ? null : Number(token),
      limit: pageSize + 1,
    });
    const nameOf = await namesOf(
      this.db,
      rows.map(({ replica }) => replica),
    );
    return this.pages.page(rows, {
      size: pageSize,
      filter,
      keyOf: (row) => String(row.seq),
      show: (row) => ({ ...row, replicaName: nameOf(row.replica) }),
    });
  }
}
