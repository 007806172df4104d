import { parseTime, rfc3339 } from '@bailiwick/core/clock';
import { sha256hex } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import { ok } from '@bailiwick/core/result';
import { clip } from '../presentation/text';
import { cut, readBundle } from '../state/policies';
import { refuse, type Decide, type NewEvent } from './types';

/**
 * Deploys a bundle: it decides from the next command on. All its parts and the deployment are one append, so that a
 * crash leaves either the old version in force or the new one, and never a bundle without its end. With `shadowUntil` the
 * bundle is a candidate that is compared with the version in force, and does not decide.
 */
export const deployPolicy: Decide<'deployPolicy'> = (state, command, now) => {
  const { actor, replaces, digest, bundle: text, shadowUntil } = command;
  if (actor.kind === 'run') return refuse('FORBIDDEN', 'a run may not deploy a policy');
  const { version } = state.policies;
  if (replaces !== version)
    return refuse(
      'CONFLICT',
      `version ${version} of the policy is in force, not ${replaces}; compare with it and send its number in replaces`,
      undefined,
      { current: version },
    );
  const bytes = Buffer.byteLength(text);
  if (bytes > LIMITS.policy.bytes)
    return refuse('TOO_LARGE', `the bundle has ${bytes} bytes, and at most ${LIMITS.policy.bytes} are deployed`);
  if (`sha256:${sha256hex(text)}` !== digest) return refuse('BAD_REQUEST', 'digest: it is not that of the bundle');
  const read = readBundle(text);
  if (!read.ok) return refuse('BAD_REQUEST', clip(`bundle: ${read.error}`, LIMITS.detailLength));
  const texts = cut(text);
  const parts = texts.length;
  const all = texts.map((each, index): NewEvent => ({ type: 'PolicyPart', data: { digest, index, text: each } }));
  if (shadowUntil === undefined)
    return ok([...all, { type: 'PolicyDeployed', data: { version: version + 1, digest, parts, replaces } }]);
  const until = parseTime(shadowUntil) ?? 0;
  if (until <= now || until > now + LIMITS.policy.shadowMs)
    return refuse(
      'BAD_REQUEST',
      `until: it must be in the future, and at most ${LIMITS.policy.shadowMs / DAY} days from now`,
    );
  return ok([...all, { type: 'PolicyShadowed', data: { digest, parts, version, until: rfc3339(until) } }]);
};

const DAY = 24 * 3_600_000;
