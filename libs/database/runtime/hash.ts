// Which hash places tenants and ring points? The first 48 bits of SHA-256: the same in every language,
// for ever, and a safe integer in JavaScript. Changing it would move every tenant, so it is never changed.
import { hash } from 'node:crypto';

export function placementHash(text: string): number {
  return Number.parseInt(hash('sha256', text, 'hex').slice(0, 12), 16);
}
