// Is everything that was promised true of this run? The invariants I1 to I8 of docs/ARCHITECTURE.md and their details
// C1 to C12 and C14 to C16, and L1 to L5 of locks, each contradiction as a sentence with its ids. An empty list is the proof
// that was asked for; that it can be other than empty is shown by the controls (npm run chaos:controls).
import { checkAttempts } from './checks/attempt-check.js';
import { checkBudget } from './checks/budget-check.js';
import { checkFences } from './checks/fence-check.js';
import { checkLedger } from './checks/ledger-check.js';
import { checkLimits } from './checks/limit-check.js';
import { checkOrder } from './checks/order-check.js';
import { checkOutside } from './checks/outside-check.js';
import { checkPosts } from './checks/post-check.js';
import { checkRest } from './checks/rest-check.js';
import { checkLocks } from './locks/lock-check.js';
import { checkAudits } from './many/audits.js';
import type { Evidence } from './evidence.js';

export function violations(evidence: Evidence): string[] {
  return [
    ...checkLedger(evidence),
    ...checkAttempts(evidence),
    ...checkFences(evidence),
    ...checkPosts(evidence),
    ...checkOutside(evidence),
    ...checkLimits(evidence),
    ...checkOrder(evidence),
    ...checkRest(evidence),
    ...checkBudget(evidence),
    ...checkAudits(evidence),
    ...checkLocks(evidence),
  ];
}
