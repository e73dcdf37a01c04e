// Do hints arrive as they were meant, few enough not to matter to the database?
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '#database/connection.js';
import { asId } from '#kernel/ids.js';
import { UNTIL_WOKEN_MS } from '#kernel/loop.js';
import { Topic } from '#kernel/topic.js';
import { FakeClock } from '#test/support/fake-clock.js';
import { HintsLoop, parseHint, type Hint } from './hints-loop.js';
import type { Membership } from './membership.js';
