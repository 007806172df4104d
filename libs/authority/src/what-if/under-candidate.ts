import { namesPlace } from '../state/places';
import { chainOf } from '../state/state';
import type { Candidate } from './candidate';
import type { Decision } from './recorded';
import type { RecordedPolicies } from './recorded-policies';
import { Reclassifier } from './reclassify';
import type { ShadowLog } from './shadow-log';

/** Recorded calls as a candidate classifies them. */
export class UnderCandidate {
  private readonly reclassifier: Reclassifier;
  /** calls whose record does not show what the caller stated */
  inexact = 0;

  /** @param recorded the policies by which the calls were decided */
  constructor(
    readonly candidate: Candidate,
    private readonly recorded: RecordedPolicies,
  ) {
    this.reclassifier = new Reclassifier(candidate.catalog);
  }

  decision<T extends Decision>(event: T, log: ShadowLog): T {
    const chain = chainOf(log.state, log.currentLease(event.grantId as string));
    const root = chain?.[chain.length - 1];
    const { type, id } = event.data.resource;
    const named = root !== undefined && namesPlace(root.limits, type, id);
    const catalog = this.recorded.catalog(event.data.policy);
    const { data, isExact } = this.reclassifier.of(event.data, catalog, named);
    if (!isExact) this.inexact += 1;
    return data === event.data ? event : { ...event, data }; // a copy of the members of this decision
  }
}
