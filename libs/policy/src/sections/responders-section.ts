import { compileResponders, respondersOf, type CompiledResponder } from '@bailiwick/authority/responders/compile';
import { responder, type Responder } from '@bailiwick/contracts/policy/responder';
import { LIMITS } from '@bailiwick/core/limits';
import { nearest } from '../problem';
import type { Path } from '../yaml/yaml-file';
import type { Section } from './section';

/** What is prepared, or suspended by selector, when something happens. */
export const respondersSection: Section<Responder, readonly CompiledResponder[]> = {
  schema: responder,
  most: LIMITS.policy.responders,
  compile(entries, report) {
    const compiled = compileResponders(entries);
    if (compiled.ok) return compiled.value;
    for (const { entry, path, message, other } of compiled.error) report(entry, path, message, { other });
    return respondersOf(entries);
  },
};

/** Finds the rules that a responder names and that the bundle does not have: it would never fire. */
export function unknownRules(
  { on: { rule } }: Responder,
  known: readonly string[],
): { path: Path; message: string; suggestion: string | undefined }[] {
  return [...(rule?.names.entries() ?? [])].flatMap(([i, name]) =>
    known.includes(name)
      ? []
      : [{ path: ['on', 'rule', 'names', i], message: `no rule is named ${name}`, suggestion: nearest(name, known) }],
  );
}
