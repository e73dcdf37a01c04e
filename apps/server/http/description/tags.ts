// The table of contents: what each part of the API is about, in the order in which a newcomer meets them.
export const TAGS: readonly { name: string; description: string }[] = [
  {
    name: 'tenants',
    description: 'A tenant has everything that stands below its path, and sees nothing of the others.',
  },
  { name: 'keys', description: 'API keys, which say in whose name and in which role a request comes.' },
  {
    name: 'job types',
    description:
      'A job type is a named kind of work: where its runs execute, and what they have if they say nothing.',
  },
  {
    name: 'schedules',
    description:
      'A schedule makes a run of its job type at each of its due times. The ledger says what became of each due time.',
  },
  { name: 'calendars', description: 'Days that schedules leave out, or keep to.' },
  {
    name: 'runs',
    description: 'A run is one request to execute a job, made by a schedule or through the API.',
  },
  { name: 'queues', description: 'A queue holds runs that wait, and can be paused by itself.' },
  { name: 'locks', description: 'Named locks and semaphores of a tenant, with leases and fencing tokens.' },
  {
    name: 'operations',
    description: 'Work of the API that takes longer than a request, such as a backfill.',
  },
  { name: 'webhook secrets', description: 'The secrets that sign the calls to HTTP endpoints.' },
  { name: 'workers', description: 'Processes outside of the replicas that pull runs.' },
  {
    name: 'leases',
    description:
      'What the holder of a lease does with its run. The token in the path is the only key that it needs.',
  },
  { name: 'cluster', description: 'The replicas, their leader and the ring of slots, for administrators.' },
  { name: 'health', description: 'Probes of one replica, which need no key.' },
];
