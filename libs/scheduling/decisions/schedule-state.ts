// Which states has a schedule? Active ones fire, paused ones only keep their ledger. That one has ended is
// no state of its own: it has no due time left.

export type ScheduleState = 'active' | 'paused';
