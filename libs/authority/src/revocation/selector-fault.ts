import { eachPart, type StoredSelector } from '@bailiwick/contracts/revocations/stored-selector';
import type { Refusal } from '@bailiwick/contracts/reason';
import { LIMITS } from '@bailiwick/core/limits';
import type { Result } from '@bailiwick/core/result';
import { faultIn } from '../matching/names';
import { normalizePathPattern } from '../matching/pattern';
import { normalizeVerbPattern } from '../matching/verbs/verb';

/**
 * Returns the fault in the selector of a revocation. A name with a pattern in it would select nothing, although its author
 * would believe that everything it covers is stopped; an empty part would select everything.
 */
export function selectorFault(selector: StoredSelector): Refusal | undefined {
  let fault: Refusal | undefined;
  let parts = 0;
  eachPart(selector, (part, path) => {
    parts += 1;
    fault ??= partFault(part, path);
  });
  if (parts > LIMITS.selectorParts)
    return bad(`selector consists of ${parts} parts; combine at most ${LIMITS.selectorParts}`);
  const bytes = Buffer.byteLength(JSON.stringify(selector));
  if (bytes > LIMITS.selectorBytes) return bad(`selector has ${bytes} bytes; send at most ${LIMITS.selectorBytes}`);
  return fault;
}

function partFault(part: StoredSelector, path: string): Refusal | undefined {
  if (Object.values(part).every((each) => each === undefined))
    return bad(`${path} is empty, and an empty selector matches every lease; name what to stop`);
  const { agentClass, agentInstance, modelVersion, environment, imageDigest, tool, verb, resource } = part;
  return (
    faultIn([
      [`${path}.agentClass`, agentClass],
      [`${path}.agentInstance`, agentInstance],
      [`${path}.modelVersion`, modelVersion],
      [`${path}.environment`, environment],
      [`${path}.imageDigest`, imageDigest],
      [`${path}.tool`, tool],
    ]) ??
    (verb === undefined ? undefined : patternFault(verb, normalizeVerbPattern(verb), `${path}.verb`)) ??
    (resource && patternFault(resource.match, normalizePathPattern(resource.match), `${path}.resource.match`))
  );
}

/** Patterns are stored in their normal form, which the author has to see. */
function patternFault(given: string, normal: Result<string, string>, path: string): Refusal | undefined {
  if (!normal.ok) return { code: 'PATTERN_INVALID', detail: `${path} ${JSON.stringify(given)} ${normal.error}` };
  return normal.value === given
    ? undefined
    : { code: 'PATTERN_INVALID', detail: `${path} ${JSON.stringify(given)}: write ${JSON.stringify(normal.value)}` };
}

const bad = (detail: string): Refusal => ({ code: 'BAD_REQUEST', detail });
