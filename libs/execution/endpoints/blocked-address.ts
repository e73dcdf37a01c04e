// The error of a call to an address that no call may reach.
import type { LookupAddress } from 'node:dns';

/** `detail` is for the operator's log: it may show the address of an internal name. */
export class BlockedAddressError extends Error {
  override readonly name = 'BlockedAddress';

  constructor(
    message: string,
    readonly detail: string = message,
  ) {
    super(message);
  }
}

export function blocked(host: string, addresses: readonly LookupAddress[] = []): BlockedAddressError {
  const message = `expected a public address, got ${host}; an operator can allow the host by CARILLON_HTTP_ALLOWED_HOSTS`;
  if (addresses.length === 0) return new BlockedAddressError(message);
  const found = addresses.map(({ address }) => address).join(', ');
  return new BlockedAddressError(message, `${message}; the name means ${found}`);
}
