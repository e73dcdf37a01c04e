// The locks that a schedule names: each attempt of its runs holds them, besides those of their job type.
import { lockWishes } from '../../requests/lock-wishes.js';

export const scheduleLocks = lockWishes.describe(
  'Each attempt of its runs starts once it holds all of them and those of its job type. Where both name one, this counts. Default: none.',
);
