// Kinds of columns that one type of TypeScript can't describe: the types of reading, of inserting and of updating
// differ. JSON is written as text and read as an object.
import type { ColumnType, JSONColumnType } from 'kysely';

/** Filled by the database with its own clock; read back as Date. */
export type DatabaseTime = ColumnType<Date, never, never>;
export type Json = JSONColumnType<object>;
export type DefaultedJson<Value = object> = ColumnType<Value, string | undefined, string>;
export type NullableJson<Value = object> = ColumnType<Value | null, string | null | undefined, string | null>;
/** node-postgres parses it into an object. */
export type NullableInterval = NullableJson;
