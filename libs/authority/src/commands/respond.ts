import { rfc3339 } from '@bailiwick/core/clock';
import { canonicalDigest } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import { clip } from '../presentation/text';
import { limitedBy } from '../responders/limited';
import { respondersIn } from '../responders/observe';
import type { StoredSelector } from '@bailiwick/contracts/revocations/stored-selector';
import { newId, type NewEvent } from './types';
import type { LogState } from '../state/state';

/**
 * Decides what a responder does that has fired: it suspends by its selector, or only prepares that. Both events are in
 * one append, directly after that of the trigger unless its batch was full. If the process dies before that append,
 * the next owner folds the same trigger, finds the same firing pending and decides it; after it, the event of the firing
 * has ended it, so it happens once.
 */
export function respond(state: LogState, id: string, now: number, commandId: string): NewEvent[] {
  const firing = state.responders.pending.get(id);
  const responder = firing && respondersIn(state).find(({ name }) => name === firing.responder);
  if (!firing || !responder) return [];
  const { selector, position, treeId, runId } = firing;
  const limited = responder.do === 'suspend' ? limitedBy(state, responder, now) : undefined;
  const suspends = responder.do === 'suspend' && limited === undefined;
  const until = suspends && responder.lastsMs !== undefined ? rfc3339(now + responder.lastsMs) : undefined;
  // the ids of ticks are those of positions: without the log, two tenants would have the same
  const revocationId = newId('revocation', state, `${state.log} ${commandId}`);
  const named = { name: responder.name, policy: state.policies.version };
  const unrecorded = state.responders.nodes.get(responder.id)?.unrecorded ?? 0;
  const fired: NewEvent = {
    type: 'ResponderFired',
    data: {
      responder: named,
      did: suspends ? 'suspend' : 'prepare',
      ...(limited === undefined ? {} : { limited }),
      trigger: { position, treeId, runId },
      selector,
      digest: preparedDigest(selector, state.next),
      ...(suspends ? { revocationId } : {}),
      ...(until === undefined ? {} : { until }),
      ...(unrecorded === 0 ? {} : { unrecorded }),
      reason: {
        code: 'RESPONDER',
        says: clip(`${named.name} ${WORDS[limited ?? responder.do]}: ${responder.says}`, LIMITS.reasonLength),
      },
    },
  };
  if (!suspends) return [fired];
  const by = `suspended by responder ${named.name} of policy version ${named.policy}: ${responder.says}`;
  return [
    fired,
    {
      type: 'RevocationRuleAdded',
      ...(selector.treeId === undefined ? {} : { treeId: selector.treeId }),
      data: {
        revocationId,
        selector,
        mode: 'suspend',
        ...(until === undefined ? {} : { until }),
        quarantine: responder.quarantine,
        responder: named,
        reason: { code: 'BY_RESPONDER', says: clip(by, LIMITS.reasonLength) },
      },
    },
  ];
}

const WORDS = {
  suspend: 'suspended',
  prepare: 'prepared a suspension',
  responder: 'only prepared a suspension, since it has reached its limit',
  tenant: 'only prepared a suspension, since all responders together have reached their limit',
  suspensions: 'only prepared a suspension, since there is no more room for suspensions by responders',
};

/**
 * The digest of a selector that a responder prepares at a position. The leases are not counted, since that would stop
 * decisions; a revocation that names the digest is refused if later leases would be reached.
 */
export const preparedDigest = (selector: StoredSelector, asOf: number): string =>
  `${asOf}.${canonicalDigest({ selector, asOf }).slice('sha256:'.length)}`;
