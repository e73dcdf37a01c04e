// How many connections does a replica open at most? Each kind has a bound of its own. Their sum is the budget in
// docs/CONFIGURATION.md, which `npm run doctor` compares with the server's.
import type { Settings } from './config.js';

/**
 * Connections of pg-boss for the control plane (maintenance.ts). Users' queues are filled through our own connections.
 */
export const BOSS_CONNECTIONS = 2;

export interface BudgetLine {
  what: string;
  count: number;
}

export function connectionBudget(
  settings: Pick<Settings, 'CARILLON_WORK_CONNECTIONS' | 'CARILLON_API_CONNECTIONS' | 'CARILLON_ROLES'>,
): BudgetLine[] {
  return [
    { what: 'control session (beats, hints)', count: 1 },
    {
      what: 'claims, ends, planning (CARILLON_WORK_CONNECTIONS)',
      count: settings.CARILLON_WORK_CONNECTIONS,
    },
    { what: 'API and housekeeping (CARILLON_API_CONNECTIONS)', count: settings.CARILLON_API_CONNECTIONS },
    ...(settings.CARILLON_ROLES.includes('scheduler')
      ? [{ what: 'pg-boss (roles with scheduler)', count: BOSS_CONNECTIONS }]
      : []),
  ];
}

export function budgetTotal(lines: readonly BudgetLine[]): number {
  return lines.reduce((sum, { count }) => sum + count, 0);
}
