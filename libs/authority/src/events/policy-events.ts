import { sha256hex } from '@bailiwick/core/digest';
import { compiledText } from '../state/policies';
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
export const policyDeployed: Fold<'PolicyDeployed'> = ({ policies }, event, at) => {
  const { version, digest, parts, replaces } = event.data;
  follows(version === policies.version + 1 && replaces === policies.version, 'the version in force', event);
  const pending = must(policies.pending, 'parts', event);
  follows(
    pending.digest === digest && pending.texts.length === parts && pending.position === event.position - 1,
    'its parts',
    event,
  );
  const text = pending.texts.join('');
  follows(`sha256:${sha256hex(text)}` === digest, 'the digest of its parts', event);
  const compiled = must(compiledText(text), 'bundle', event);
  const { position, actor } = event;
  policies.put({ version, digest, replaces, parts, position, at, by: actor.id, text, ...compiled });
};
