// Which states has a schedule? Active ones fire, paused ones only keep their ledger, ended ones have no
// due time left.

export type ScheduleState = 'active' | 'paused' | 'ended';
