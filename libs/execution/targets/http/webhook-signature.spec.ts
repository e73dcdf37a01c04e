// Does a receiver that uses the standard's own library accept our calls, and only ours?
import { describe, expect, it } from 'vitest';
import { Webhook } from 'standardwebhooks';
import { newWebhookSecret, signatureHeaders } from './webhook-signature.js';

const secret = newWebhookSecret();
const message = { id: '0193-run', at: new Date(), body: '{"invoice":"R-1 – ä"}' };

describe('a signature', () => {
  it('is accepted by a receiver that knows the secret', () => {
    const headers = signatureHeaders(message, [secret]);
    expect(new Webhook(secret).verify(message.body, headers)).toEqual({ invoice: 'R-1 – ä' });
  });

  it('is accepted with either of two secrets while one replaces the other', () => {
    const next = newWebhookSecret();
    const headers = signatureHeaders(message, [next, secret]);
    for (const known of [secret, next])
      expect(() => new Webhook(known).verify(message.body, headers)).not.toThrow();
    expect(() => new Webhook(newWebhookSecret()).verify(message.body, headers)).toThrow(/signature/i);
  });

  it('is refused for another body, another id, and when it is old', () => {
    const headers = signatureHeaders(message, [secret]);
    const receiver = new Webhook(secret);
    expect(() => receiver.verify('{}', headers)).toThrow(/signature/i);
    expect(() => receiver.verify(message.body, { ...headers, 'webhook-id': 'another' })).toThrow(
      /signature/i,
    );
    const old = signatureHeaders({ ...message, at: new Date(Date.now() - 600_000) }, [secret]);
    expect(() => receiver.verify(message.body, old)).toThrow(/too old/i);
  });

  it('is left out when there is no secret', () => {
    expect(Object.keys(signatureHeaders(message, []))).toEqual(['webhook-id', 'webhook-timestamp']);
  });
});
