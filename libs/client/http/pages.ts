// Lists of the API come in pages; a caller gets one item after the other, and the next page when it wants more.
import type { ApiCall, ClientCalls } from './client-calls.js';
import { withQuery } from './paths.js';

interface Page<Item> {
  items: Item[];
  nextPageToken: string | null;
}

export interface List extends Pick<ApiCall, 'path' | 'headers' | 'signal'> {
  query?: Parameters<typeof withQuery>[1];
}

/** Also a page that is empty may not be the last one. */
export async function* itemsOf<Item>(
  calls: ClientCalls,
  { path, query, ...call }: List,
): AsyncGenerator<Item, void, undefined> {
  for (let pageToken: string | undefined; ;) {
    const place = withQuery(path, { ...query, pageToken });
    const page = await calls.call<Page<Item>>({ method: 'GET', path: place, isRepeatable: true, ...call });
    yield* page.items;
    // What is no replica may answer without one, or with the same again.
    if (typeof page.nextPageToken !== 'string' || page.nextPageToken === pageToken) return;
    pageToken = page.nextPageToken;
  }
}
