import type { PastMatcher, StepMatcher } from '@bailiwick/contracts/policy/rule';
import { matchesPath, normalizePathPattern } from '../matching/pattern';
import { matchesVerb, normalizeVerbPattern } from '../matching/verbs/verb';
import { hasLabel, type Step } from './step';

export type Matches = (step: Step) => boolean;

/** Receives each fault of a matcher. */
export type ReportFault = (path: readonly (string | number)[], message: string) => void;

/** The labels that a tree has while a permit that sends, or may send, has no outcome; no step has them. */
export const IN_FLIGHT: ReadonlySet<string> = new Set(['open:send', 'open:may-send']);

/** Compiles the matcher of a step of any kind. All its members must match. */
export function compileMatcher(
  { labels = [], any_label, effects, verbs, resource, classes }: StepMatcher,
  report: ReportFault,
): Matches {
  const tests: Matches[] = labels.map((label) => (step) => hasLabel(step, label));
  if (any_label) tests.push((step) => any_label.some((label) => hasLabel(step, label)));
  for (const [member, list] of [['labels', labels] as const, ['any_label', any_label ?? []] as const])
    for (const [i, label] of list.entries())
      if (IN_FLIGHT.has(label))
        report([member, i], `no step has ${label}; it is one of the tree: give it alone, in formerly, once or never`);
  if (effects) tests.push((step) => step.effects.some((each) => effects.includes(each)));
  if (verbs) {
    const isAmong = verbsMatcher(verbs, report);
    tests.push(({ verb }) => verb !== undefined && isAmong(verb));
  }
  if (resource?.type !== undefined) tests.push((step) => step.resource?.type === resource.type);
  if (resource?.match !== undefined) {
    const normal = normalizePathPattern(resource.match);
    if (!normal.ok) report(['resource', 'match'], `${JSON.stringify(resource.match)} ${normal.error}`);
    else tests.push((step) => step.resource !== undefined && matchesPath(normal.value, step.resource.id));
  }
  if (classes) tests.push(({ agentClass }) => agentClass !== undefined && classes.includes(agentClass));
  const [first = () => true] = tests;
  return tests.length <= 1 ? first : (step) => tests.every((test) => test(step));
}

/** Compiles patterns of verbs. One that cannot be read matches no verb. */
export function verbsMatcher(verbs: readonly string[], report: ReportFault): (verb: string) => boolean {
  const patterns = verbs.map((text, i) => {
    const normal = normalizeVerbPattern(text);
    if (!normal.ok) report(['verbs', i], `${JSON.stringify(text)} ${normal.error}`);
    return normal.ok ? normal.value : '';
  });
  return (verb) => patterns.some((each) => each !== '' && matchesVerb(each, verb));
}

/** Compiles the matcher of a step of the past, which also states what the step was. */
export function compilePast({ kind, ...matcher }: PastMatcher, report: ReportFault): Matches {
  const matches = compileMatcher(matcher, report);
  if (kind === undefined) return (step) => (step.kind === 'permitted' || step.kind === 'result') && matches(step);
  return (step) => step.kind === kind && matches(step);
}
