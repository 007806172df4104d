import type { Custody } from '@bailiwick/contracts/receipt';
import { canonicalDigest } from '@bailiwick/core/digest';
import { chainOfCustody } from './chain';
import type { Story } from './story';

export { isOnlyOpen } from './chain';

/** On whose authority an action was done, with Node's own hashing. See `chainOfCustody`. */
export const custodyOf = (actionId: string, story: Story): Custody => chainOfCustody(actionId, story, canonicalDigest);
