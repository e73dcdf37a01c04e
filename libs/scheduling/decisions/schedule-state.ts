// The states of a schedule. An active one fires, a paused one only keeps its ledger. A schedule that has ended has no
// state of its own: it has no due time left.

export type ScheduleState = 'active' | 'paused';
