import { sha256hex } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import { ok } from '@bailiwick/core/result';
import { clip } from '../presentation/text';
import { cut, readBundle } from '../state/policies';
import { refuse, type Decide, type NewEvent } from './types';

/**
 * Deploys a bundle: it decides from the next command on. All its parts and the deployment are one append, so that a
 * crash leaves either the old version in force or the new one, and never a bundle without its end.
 */
export const deployPolicy: Decide<'deployPolicy'> = (state, command) => {
  const { actor, replaces, digest, bundle: text } = command;
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
  return ok([
    ...texts.map((each, index): NewEvent => ({ type: 'PolicyPart', data: { digest, index, text: each } })),
    { type: 'PolicyDeployed', data: { version: version + 1, digest, parts: texts.length, replaces } },
  ]);
};
