// Is "it may have happened" ever mistaken for "it did not"?
import { describe, expect, it } from 'vitest';
import {
  databaseErrorKind,
  isAboutTheValue,
  isDatabaseError,
  isNoPrimary,
  isUniqueViolation,
} from './error-kind.js';

const withCode = (code: unknown, message = 'as the driver says it'): Error =>
  Object.assign(new Error(message), { code });
const raisedIn = (routine: string, code: string): Error => Object.assign(withCode(code), { routine });

describe('an error of the database', () => {
  it.each([
    ['23505', 'a unique violation'],
    ['22P05', 'a character that jsonb can not hold'],
    ['42P01', 'a missing table'],
    ['42501', 'a missing right'],
    ['54001', 'a statement that is too complex'],
    ['0A000', 'what is not supported'],
    ['25P02', 'a transaction that had failed already'],
    ['P0001', 'an exception of a function'],
    ['XX000', 'a bug of the server'],
  ])('%s, %s, is rejected: the server said no, nothing happened', (code) => {
    expect(databaseErrorKind(withCode(code))).toBe('rejected');
  });

  it.each([
    ['40001', 'a serialization failure'],
    ['40P01', 'a deadlock'],
    ['53000', 'no resources'],
    ['53100', 'a full disk'],
    ['53200', 'no memory'],
    ['53400', 'a limit of the configuration'],
    ['55006', 'something in use'],
    ['55P03', 'a lock that was not to be had in time'],
    ['57014', 'a statement that was cancelled or took too long'],
    ['58030', 'a file that could not be read'],
    ['26000', 'a prepared statement of another session'],
    ['42P05', 'a prepared statement that another client made'],
  ])('%s, %s, is passing: nothing happened, and the same may go well later', (code) => {
    expect(databaseErrorKind(withCode(code))).toBe('passing');
    expect(isAboutTheValue(withCode(code))).toBe(false);
  });

  it('is passing when a plan no longer fits its columns', () => {
    expect(databaseErrorKind(raisedIn('RevalidateCachedQuery', '0A000'))).toBe('passing');
  });

  it.each([
    ['a write where only reading is allowed', withCode('25006')],
    ['a conflict with recovery, in PostgreSQL 15', raisedIn('ProcessInterrupts', '40001')],
    ['a conflict with recovery, since 16', raisedIn('ProcessRecoveryConflictInterrupt', '40001')],
  ])('%s is lost: the server is no primary', (_what, error) => {
    expect(databaseErrorKind(error)).toBe('lost');
    expect(isNoPrimary(error)).toBe(true);
  });

  it('that any server could raise does not say that this one is no primary', () => {
    const others = [
      withCode('40001'),
      raisedIn('CheckForSerializableConflictOut', '40001'),
      withCode('57P01'),
    ];
    expect(others.map(isNoPrimary)).toEqual([false, false, false]);
  });

  it.each([
    ['ECONNREFUSED', 'nobody listens'],
    ['ENOTFOUND', 'no such host'],
    ['EAI_AGAIN', 'no name server'],
    ['EHOSTUNREACH', 'no way to the host'],
    ['ENETUNREACH', 'no way to the network'],
    ['ENOENT', 'no such socket'],
    ['57P03', 'the server is starting up or shutting down'],
    ['53300', 'too many connections'],
    ['08001', 'a pooler could not reach the server'],
    ['08004', 'the server refused the connection'],
  ])('%s, %s, is lost: there was no server to ask, nothing happened', (code) => {
    expect(databaseErrorKind(withCode(code))).toBe('lost');
  });

  it.each([
    'timeout exceeded when trying to connect',
    'timeout expired',
    'Connection terminated due to connection timeout',
    'There was an error establishing an SSL connection',
  ])('is lost when there was no connection to be had: %s', (message) => {
    expect(databaseErrorKind(new Error(message))).toBe('lost');
  });

  it.each([
    ['57P01', 'an administrator ended the session'],
    ['57P02', 'the server crashed'],
    ['57P04', 'the database was dropped'],
    ['40003', 'nobody knows whether the statement was completed'],
    ['57P05', 'the session was idle for too long'],
    ['25P03', 'the transaction was idle for too long'],
    ['25P04', 'the transaction took too long'],
    ['08006', 'the connection broke'],
    ['08003', 'the connection does not exist'],
    ['08007', 'the outcome of the transaction is unknown'],
    ['08P01', 'a protocol violation'],
    ['ECONNRESET', 'the other side hung up'],
    ['ETIMEDOUT', 'no answer'],
    ['57p01', 'no SQLSTATE at all'],
    ['ABC', 'no code that we know'],
  ])('%s, %s, is unknown: it may have happened', (code) => {
    expect(databaseErrorKind(withCode(code))).toBe('unknown');
  });

  it.each(['EPIPE', 'EBADF'])('%s, from the socket, is unknown as well', (code) => {
    expect(databaseErrorKind(withCode(code))).toBe('unknown');
  });

  it.each([
    ['a connection that ended', new Error('Connection terminated unexpectedly')],
    ['a query that had no answer in time', new Error('Query read timeout')],
    ['no code but a number', withCode(23505)],
    ['a bug of ours', new TypeError("Cannot read properties of undefined (reading 'rows')")],
    ['no error at all', 'Connection refused'],
    ['nothing', undefined],
    ['null', null],
  ])('is unknown in doubt: %s', (_what, error) => {
    expect(databaseErrorKind(error)).toBe('unknown');
  });
});

describe('an error about the value itself', () => {
  it.each(['22P05', '22003', '23505', '23514', '54000', '54001'])('%s is one', (code) => {
    expect(isAboutTheValue(withCode(code))).toBe(true);
  });

  it.each([
    withCode('25006'),
    withCode('42501'),
    withCode('42P01'),
    withCode('57P01'),
    withCode('P0001'),
    withCode('XX000'),
    withCode('ECONNREFUSED'),
    withCode(23505),
    new Error('Connection terminated unexpectedly'),
    new TypeError('not a function'),
    undefined,
  ])('%s is none', (error) => {
    expect(isAboutTheValue(error)).toBe(false);
  });
});

describe('what went wrong', () => {
  it.each([
    withCode('23505'),
    withCode('57P01'),
    withCode('ECONNREFUSED'),
    new Error('Connection terminated unexpectedly'),
    new Error('Connection terminated: a query timed out on it'),
    new Error('Query read timeout'),
    new Error('timeout exceeded when trying to connect'),
    new Error('Client was closed and is not queryable'),
    new Error('Client has encountered a connection error and is not queryable'),
  ])('was the database: %s', (error) => {
    expect(isDatabaseError(error)).toBe(true);
  });

  it.each([
    new TypeError("Cannot read properties of undefined (reading 'rows')"),
    new Error('expected one row, got none'),
    'Connection terminated',
    undefined,
  ])('was not the database: %s', (error) => {
    expect(isDatabaseError(error)).toBe(false);
  });

  it('was not the database when we called Node with a wrong argument', () => {
    expect(isDatabaseError(Object.assign(new TypeError(), { code: 'ERR_INVALID_ARG_TYPE' }))).toBe(false);
  });

  it('was a name that is taken only if the server says so', () => {
    expect(isUniqueViolation(withCode('23505'))).toBe(true);
    expect([withCode('23503'), new Error('23505'), null].map(isUniqueViolation)).toEqual([
      false,
      false,
      false,
    ]);
  });
});
