// What does `import pg from 'pg'` bring in a simulation? As much of that module as libs/database uses.
import { Client } from './postgres-client.js';
import { Pool } from './postgres-pool.js';

export default { Client, Pool, types: { getTypeParser: () => String } };
