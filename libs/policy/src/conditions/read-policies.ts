import { LIMITS } from '@bailiwick/core/limits';
import { cedar } from './library';
import type { PolicyJson } from './reads';

/** A Cedar policy of a bundle. */
export interface CedarPolicy {
  /** its annotation `@id` */
  readonly id: string;
  /** its annotation `@reason`, for people */
  readonly says: string | undefined;
  readonly text: string;
  readonly json: PolicyJson;
  /** UTF-16 offset in its text */
  readonly start: number;
}

/** A fault in a text of policies. */
export interface CedarFault {
  readonly message: string;
  /** UTF-16 offset in the text */
  readonly within: number;
}

/** Reads the policies of a text: each is a `forbid` with an annotation `@id`. Returns every fault. */
export function readPolicies(text: string): { readonly policies: CedarPolicy[]; readonly faults: CedarFault[] } {
  const parts = cedar().policySetTextToParts(text);
  if (parts.type === 'failure') return { policies: [], faults: parts.errors.map((error) => faultOf(text, error)) };
  const faults: CedarFault[] = [];
  const starts = startsOf(text, [...parts.policies, ...parts.policy_templates]);
  const found = parts.policies.flatMap((own): CedarPolicy[] => {
    const start = starts.get(own) ?? 0;
    const read = readPolicy(own);
    if ('fault' in read) {
      faults.push({ message: read.fault, within: start });
      return [];
    }
    return [{ ...read, text: own, start }];
  });
  for (const template of parts.policy_templates)
    faults.push({
      message: 'is a template; write the values in place of ?principal and ?resource',
      within: starts.get(template) ?? 0,
    });
  if (faults.length === 0 && found.length === 0) faults.push({ message: 'has no policies', within: 0 });
  return { policies: found, faults };
}

function readPolicy(text: string): Pick<CedarPolicy, 'id' | 'says' | 'json'> | { readonly fault: string } {
  const read = cedar().policyToJson(text);
  if (read.type === 'failure') return { fault: read.errors.map(({ message }) => message).join('; ') };
  const { effect, annotations = {} } = read.json;
  if (effect !== 'forbid')
    return { fault: 'is a permit; conditions only take away, so each is a forbid: leases state what is permitted' };
  const { id, reason: says } = annotations;
  if (typeof id !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$/.test(id))
    return { fault: 'needs an annotation @id("…") of 1–80 letters, digits, _, - and ., which its denials name' };
  if (typeof says === 'string' && says.length > LIMITS.nameLength)
    return { fault: `has a text @reason of more than ${LIMITS.nameLength} characters` };
  return { id, says: says ?? undefined, json: read.json };
}

/** Returns where each part starts, if the text has it as it is; equal parts in their order. */
function startsOf(text: string, parts: readonly string[]): ReadonlyMap<string, number> {
  return new Map(parts.map((part) => [part, Math.max(text.indexOf(part), 0)]));
}

interface CedarError {
  readonly message: string;
  readonly help?: string | null;
  readonly sourceLocations?: readonly { readonly start: number }[];
}

/** Cedar states places as offsets in UTF-8. */
function faultOf(text: string, { message, help, sourceLocations = [] }: CedarError): CedarFault {
  const bytes = sourceLocations[0]?.start ?? 0;
  const within = Buffer.from(text).subarray(0, bytes).toString().length;
  return { message: `is not Cedar: ${message}${help ? ` (${help})` : ''}`, within };
}
