// Where do new ids come from? Node's own UUIDv7: ordered by time, so that indexes grow at one end. Made
// here and not by the database, because PostgreSQL has uuidv7() only since version 18.
export { randomUUID, randomUUIDv7 } from 'node:crypto';
