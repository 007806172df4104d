import type { Custody } from '@bailiwick/contracts/receipts/receipt';
import { canonicalDigest } from '@bailiwick/core/digest';
import { chainOfCustody } from './chain';
import type { Story } from './story';

export { isOnlyOpen } from './chain';

/** Builds the chain of custody of an action with the hash functions of Node. See `chainOfCustody`. */
export const custodyOf = (actionId: string, story: Story): Custody => chainOfCustody(actionId, story, canonicalDigest);
