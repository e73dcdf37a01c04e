// Do runs that are due much later cost those nothing that are due now, though they stand in one lane?
import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { beforeEach, expect, it } from 'vitest';
import type { Tx } from '#database/connection.js';
import { claimRuns } from '#execution/claiming/claims/claim.repository.js';
import { lookAndClaim } from '#execution/claiming/claims/look-and-claim.repository.js';
import { asId } from '#kernel/ids.js';
import { strictKey } from '../../support/strict-key.js';
import { addRuns } from '../../support/rows.js';
import { useLoneMember } from '../../support/test-member.js';
