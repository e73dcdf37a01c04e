// Which of a plan's nodes read a large table without the bounds of an index? Such a read is right until the table has grown.
// A short page in the order of an index is no such read, nor is one of an index that holds little, all of it wanted.
import { nodesOf, type Explained, type PlanNode } from './explained.js';

const LARGE = /^(run|attempt|schedule|fire(_.*)?|run_history(_.*)?)$/;
/** They hold little of the table, and all that they hold is wanted. */
const SHORT_INDEXES = new Set(['run_to_cancel', 'run_by_deadline']);

/** Reads of a large table that no condition of an index bounds. */
export function wholeTables({ mode, plan }: Explained): string[] {
  return nodesOf(plan)
    .filter((node) => readsAll(node) && !isShortList(plan, node))
    .map((node) => `${mode}: ${describeNode(node)}`);
}

function readsAll(node: PlanNode): boolean {
  if (!LARGE.test(node['Relation Name'] ?? '')) return false;
  if (node['Node Type'] === 'Seq Scan') return true;
  const isBounded = node['Index Cond'] !== undefined || node['Recheck Cond'] !== undefined;
  return node['Node Type'].includes('Scan') && !isBounded && !SHORT_INDEXES.has(node['Index Name'] ?? '');
}

/** A page of the one that has most is found soonest among all, in their order. */
function isShortList(plan: PlanNode, node: PlanNode): boolean {
  const above = nodesOf(plan).find(({ Plans = [] }) => Plans.includes(node));
  return node['Node Type'].startsWith('Index') && above?.['Node Type'] === 'Limit';
}

function describeNode(node: PlanNode): string {
  return `${node['Node Type']} on ${node['Relation Name']} ${node['Index Name'] ?? ''}`.trim();
}
