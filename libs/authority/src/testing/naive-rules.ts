import { parseDuration } from '@bailiwick/core/duration';
import type { Formula, PastMatcher, SeenSteps, StepMatcher, StepPart } from '@bailiwick/contracts/policy/rule';
import { matchesPath } from '../matching/pattern';
import { matchesVerb } from '../matching/verbs/verb';
import { hasLabel, type Step } from '../sequences/step';

/** A step of the past with its time in ms. */
export interface Past {
  readonly step: Step;
  readonly at: number;
}

/** Evaluates rules over the whole history of a tree, without any bound: what the compiled rules are compared with. */
export class NaiveRules {
  constructor(private readonly history: readonly Past[]) {}

  fires({ on, when }: { readonly on: StepMatcher; readonly when: Formula }, step: Step, now: number): boolean {
    return matches(on, step) && this.holds(when, step, now);
  }

  private holds(formula: Formula, step: Step, now: number): boolean {
    const { formerly, once, never, since, count_within, count_distinct_within, sum_within, all, any, not } = formula;
    if (all) return all.every((each) => this.holds(each, step, now));
    if (any) return any.some((each) => this.holds(each, step, now));
    if (not) return !this.holds(not, step, now);
    if (formerly) return this.seen(formerly, step, now).length > 0;
    if (never) return this.seen(never, step, now).length === 0;
    if (once) return this.withStep(once, step, now).length > 0;
    if (since) {
      const from = this.history.findLastIndex((each) => matchesPast(since.step, each.step));
      const after = this.history.slice(from + 1).some((each) => matchesPast(since.no, each.step));
      return from >= 0 && !after && this.isWithin(from, since.within, now);
    }
    if (count_within) return this.withStep(count_within, step, now).length >= count_within.at_least;
    if (count_distinct_within) {
      const { of } = count_distinct_within;
      const values = this.withStep(count_distinct_within, step, now).map((each) => {
        if (of === 'resources') return each.resource && JSON.stringify(each.resource);
        if (of === 'types') return each.resource?.type;
        return of === 'verbs' ? each.verb : of === 'runs' ? each.runId : each.agentClass;
      });
      return new Set(values.filter((each) => each !== undefined)).size >= count_distinct_within.at_least;
    }
    const { of, at_least } = sum_within as NonNullable<typeof sum_within>;
    const [kind, name = ''] = of.split('.');
    const amounts = this.withStep(sum_within as SeenSteps, step, now).map(({ charge }) => {
      const value = (charge as Record<string, unknown> | undefined)?.[kind as string];
      return Number(typeof value === 'object' ? ((value as Record<string, number>)[name] ?? 0) : (value ?? 0));
    });
    return amounts.reduce((sum, each) => sum + each, 0) >= at_least;
  }

  private withStep(of: SeenSteps, step: Step, now: number): Step[] {
    return [...this.seen(of, step, now), ...(!of.different && matchesPast(of, step) ? [step] : [])];
  }

  private seen({ within, same, different, ...of }: SeenSteps, step: Step, now: number): Step[] {
    return this.history
      .filter((each, i) => matchesPast(of, each.step) && this.isWithin(i, within, now))
      .map((each) => each.step)
      .filter((each) => !same || isSame(each, step, same))
      .filter((each) => !different || !isSame(each, step, different));
  }

  private isWithin(index: number, within: string | number | undefined, now: number): boolean {
    if (within === undefined) return true;
    if (typeof within === 'string') return now - (this.history[index] as Past).at <= (parseDuration(within) as number);
    const after = this.history.slice(index + 1);
    return after.filter(({ step: { kind } }) => kind === 'permitted' || kind === 'denied').length + 1 <= within;
  }
}

function isSame(a: Step, b: Step, parts: readonly StepPart[]): boolean {
  return parts.every((part) => {
    if (part === 'run') return a.runId === b.runId;
    if (part === 'verb') return a.verb !== undefined && a.verb === b.verb;
    return a.resource !== undefined && a.resource.type === b.resource?.type && a.resource.id === b.resource.id;
  });
}

function matchesPast({ kind, ...of }: PastMatcher, step: Step): boolean {
  const isKind = kind === undefined ? ['permitted', 'result'].includes(step.kind) : step.kind === kind;
  return isKind && matches(of, step);
}

function matches({ labels, any_label, effects, verbs, resource, classes }: StepMatcher, step: Step): boolean {
  return (
    (labels ?? []).every((label) => hasLabel(step, label)) &&
    (any_label === undefined || any_label.some((label) => hasLabel(step, label))) &&
    (effects === undefined || effects.some((effect) => step.effects.includes(effect))) &&
    (verbs === undefined ||
      (step.verb !== undefined && verbs.some((verb) => matchesVerb(verb, step.verb as string)))) &&
    (resource?.type === undefined || step.resource?.type === resource.type) &&
    (resource?.match === undefined || (step.resource !== undefined && matchesPath(resource.match, step.resource.id))) &&
    (classes === undefined || classes.includes(step.agentClass ?? ''))
  );
}
