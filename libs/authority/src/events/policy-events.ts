import type { EventOf } from '@bailiwick/contracts/events/event';
import { parseTime } from '@bailiwick/core/clock';
import { sha256hex } from '@bailiwick/core/digest';
import { compiledText, type PendingParts } from '../state/policies';
import { follows, must, type Fold } from './follows';

/**
 * Collects the parts of a bundle. The first one starts again: an earlier bundle without its deployment was never in
 * force.
 */
export const policyPart: Fold<'PolicyPart'> = ({ policies }, event) => {
  const { data, position } = event;
  const { digest, index, text } = data;
  const { pending } = policies;
  const before = index === 0 ? { digest, texts: [], position: position - 1 } : must(pending, 'part before it', event);
  follows(
    before.digest === digest && before.texts.length === index && before.position === position - 1,
    'the parts before it',
    event,
  );
  policies.pending = { digest, texts: [...before.texts, text], position };
};

/** Puts a bundle into force. All its parts must be directly before, and be the text whose digest is stated (I11). */
export const policyDeployed: Fold<'PolicyDeployed'> = ({ policies, responders }, event, at) => {
  const { version, digest, parts, replaces } = event.data;
  follows(version === policies.version + 1 && replaces === policies.version, 'the version in force', event);
  const text = textOf(policies.pending, event);
  const compiled = must(compiledText(text), 'bundle', event);
  const { position, actor } = event;
  policies.put({ version, digest, replaces, parts, position, at, by: actor.id, text, ...compiled });
  if (!responders.rehearsed) responders.keep(policies.responders);
};

/** Starts to compare a candidate with the policy in force, in place of an earlier one. No decision reads it. */
export const policyShadowed: Fold<'PolicyShadowed'> = ({ policies }, event, at) => {
  const { digest, parts, version, until } = event.data;
  follows(version === policies.version, 'the version in force', event);
  textOf(policies.pending, event);
  policies.pending = undefined;
  const end = must(parseTime(until), 'end', event);
  policies.shadow = { digest, parts, version, position: event.position, at, until: end, by: event.actor.id };
};

/** Returns the text of the parts before an event, which must be whole. */
function textOf(parts: PendingParts | undefined, event: EventOf<'PolicyDeployed' | 'PolicyShadowed'>): string {
  const { data, position } = event;
  const pending = must(parts, 'parts', event);
  follows(
    pending.digest === data.digest && pending.texts.length === data.parts && pending.position === position - 1,
    'its parts',
    event,
  );
  const text = pending.texts.join('');
  follows(`sha256:${sha256hex(text)}` === data.digest, 'the digest of its parts', event);
  return text;
}
