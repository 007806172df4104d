import { RULE_CODES } from '@bailiwick/contracts/policy/rule';
import type { Responder, ResponderTrigger } from '@bailiwick/contracts/policy/responder';
import type { Consumed } from '@bailiwick/contracts/grants/grant';
import type { Reason } from '@bailiwick/contracts/reason';
import { canonicalDigest } from '@bailiwick/core/digest';
import { parseDuration } from '@bailiwick/core/duration';
import { err, ok, type Result } from '@bailiwick/core/result';
import { normalizeTool } from '../matching/tool-name';
import { compileMatcher, type ReportFault } from '../sequences/matcher';
import type { Step } from '../sequences/step';

/** What an event shows to responders. */
export type Seen =
  | { readonly kind: 'drift'; readonly agentClass: string; readonly score: number }
  | {
      readonly kind: 'call';
      readonly agentClass: string;
      readonly decision: 'permitted' | 'denied' | 'asked';
      readonly step: Step;
      readonly tool: string | undefined;
      /** the leaves of its reasons */
      readonly reasons: { some(test: (reason: Reason) => boolean): boolean };
    };

/** One responder, compiled. */
export interface CompiledResponder extends Pick<Responder, 'name' | 'do' | 'select'> {
  readonly says: string;
  /** identifies its definition: what it has counted stays with a definition that another policy repeats */
  readonly id: string;
  /** what an event adds to its count; 0: nothing */
  readonly weigh: (seen: Seen) => number;
  /** it fires when the count reaches this, within this time in ms; 0: each time */
  readonly atLeast: number;
  readonly withinMs: number;
  readonly lastsMs: number | undefined;
  readonly quarantine: boolean;
  readonly limit: { readonly most: number; readonly withinMs: number };
}

/** A fault in one responder. */
export interface ResponderFault {
  readonly entry: number;
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** index of an earlier responder that it is in conflict with */
  readonly other?: number;
}

/** Compiles the responders of a bundle, or returns every fault that their schema does not find. */
export function compileResponders(entries: readonly Responder[]): Result<CompiledResponder[], ResponderFault[]> {
  const faults: ResponderFault[] = [];
  const names = new Map<string, number>();
  const compiled = entries.map((each, entry) => {
    const other = names.get(each.name);
    if (other !== undefined)
      faults.push({ entry, path: ['name'], message: `${each.name} is also another responder`, other });
    else names.set(each.name, entry);
    return compileResponder(each, (path, message) => void faults.push({ entry, path: ['on', ...path], message }));
  });
  return faults.length > 0 ? err(faults) : ok(compiled);
}

/** Compiles those of a deployed bundle. A pattern that this release cannot read matches nothing. */
export const respondersOf = (entries: readonly Responder[]): readonly CompiledResponder[] =>
  entries.map((each) => compileResponder(each, () => undefined));

function compileResponder(entry: Responder, report: ReportFault): CompiledResponder {
  const { name, do: does, select, says, lasts, quarantine = false, limit } = entry;
  return {
    id: canonicalDigest(entry).slice('sha256:'.length, 23),
    name,
    do: does,
    select,
    says,
    ...countOf(entry.on, report),
    lastsMs: lasts === undefined ? undefined : parseDuration(lasts),
    quarantine,
    limit: { most: limit.most, withinMs: parseDuration(limit.within) ?? Infinity },
  };
}

type Count = Pick<CompiledResponder, 'weigh' | 'atLeast' | 'withinMs'>;
const EACH_TIME = { atLeast: 1, withinMs: 0 };

function countOf({ drift, rule, denials, spend, canary }: ResponderTrigger, report: ReportFault): Count {
  const under =
    (member: string): ReportFault =>
    (path, message) =>
      report([member, ...path], message);
  if (drift) {
    const isAmong = amongClasses(drift.classes);
    return {
      ...EACH_TIME,
      weigh: (seen) => one(seen.kind === 'drift' && seen.score >= drift.at_least && isAmong(seen)),
    };
  }
  if (rule) {
    const isAmong = amongClasses(rule.classes);
    const objects = (reason: Reason): boolean => rule.names.some((name) => isOfRule(reason, name));
    return { ...EACH_TIME, weigh: (seen) => one(seen.kind === 'call' && isAmong(seen) && seen.reasons.some(objects)) };
  }
  if (denials) {
    const { at_least: atLeast, within, ...matcher } = denials;
    const matches = compileMatcher(matcher, under('denials'));
    const counts = (seen: Seen): boolean => seen.kind === 'call' && seen.decision === 'denied' && matches(seen.step);
    return { atLeast, withinMs: parseDuration(within) ?? 0, weigh: (seen) => one(counts(seen)) };
  }
  if (spend) {
    const { at_least: atLeast, within, of, ...matcher } = spend;
    const matches = compileMatcher(matcher, under('spend'));
    const weigh = (seen: Seen): number =>
      seen.kind === 'call' && seen.decision === 'permitted' && seen.step.charge && matches(seen.step)
        ? chargeOf(seen.step.charge, of)
        : 0;
    return { atLeast, withinMs: parseDuration(within) ?? 0, weigh };
  }
  const { tools, ...matcher } = canary ?? {};
  const matches = compileMatcher(matcher, under('canary'));
  const names = tools?.map(normalizeTool);
  const isTool = (tool = ''): boolean => names === undefined || names.includes(normalizeTool(tool));
  return { ...EACH_TIME, weigh: (seen) => one(seen.kind === 'call' && isTool(seen.tool) && matches(seen.step)) };
}

const one = (counts: boolean): number => (counts ? 1 : 0);

const amongClasses =
  (classes: readonly string[] | undefined) =>
  ({ agentClass }: Seen): boolean =>
    classes === undefined || classes.includes(agentClass);

const isOfRule = ({ rule, code, path }: Reason, name: string): boolean =>
  rule === 'trajectory' && (path === `rules.${name}` || (code !== undefined && code === RULE_CODES[name]));

function chargeOf(charge: Consumed, of: string): number {
  const [part = '', name = ''] = of.split('.');
  if (part === 'cost') return charge.cost[name] ?? 0;
  if (part === 'units') return charge.units?.[name] ?? 0;
  return charge[part as 'calls' | 'reads' | 'writes' | 'external'];
}
