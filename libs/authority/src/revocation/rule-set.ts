import type { StoredSelector } from '@bailiwick/contracts/revocations/stored-selector';
import { canonicalize } from '@bailiwick/core/canonical';
import { nameKeys } from '@bailiwick/core/look-alike';
import { normalizeTool } from '../matching/tool-name';
import { matchesVerb } from '../matching/verbs/verb';
import { KEYS, selects, type Subject } from './selects';

export interface Rule {
  readonly revocationId: string;
  readonly selector: StoredSelector;
  readonly position: number;
  readonly time: number;
  /** ms; undefined: all authority older than the rule itself */
  readonly issuedBefore: number | undefined;
  /** `tool`: the rule denies the tool or the verbs that it names, and ends no lease; undefined: it ends leases */
  readonly target: 'tool' | undefined;
  /** the rule is a suspension: it ends nothing, and applies until it is lifted or until its time */
  readonly suspends: true | undefined;
  /** of a suspension, ms: it applies before this time; undefined: until it is lifted */
  readonly until: number | undefined;
  quarantine: boolean;
  /** for a rule that denies a tool: the event that lifted its quarantine */
  lifted: { readonly position: number; readonly time: number } | undefined;
  /** of a suspension: the event that lifted it */
  resumed: { readonly position: number; readonly time: number } | undefined;
}

/** The members by which a rule determines the age of authority. */
export interface Opened {
  /** of RunOpened */
  readonly position: number;
  readonly startedAt: number;
}

/**
 * The active revocation rules of a log, each indexed by one attribute of its selector, so that a grant looks up its own
 * few values and never the rules or the other grants (I6). The epoch counts rules: a grant checked at the newest epoch
 * needs no lookup at all.
 */
export class RuleSet {
  readonly list: Rule[] = [];
  private readonly byId = new Map<string, Rule>();
  private readonly byTool = new Map<string, Rule[]>();
  /** the rules that name verbs by pattern */
  private readonly byVerb: Rule[] = [];
  private readonly byKey = new Map<string, Entry[]>();
  /** the newest rule with each selector that had a quarantine when it was made */
  private readonly quarantines = new Map<string, Rule>();
  /** the suspensions that were not lifted, indexed alike: they are few, and no result of them may be cached */
  private readonly held = new Map<string, Entry[]>();
  /** the number of all suspensions, and of those that were not lifted */
  suspensions = 0;
  holding = 0;
  /** the position of the newest rule that names a tool or verbs; -1: none does */
  newestNaming = -1;

  get epoch(): number {
    return this.list.length;
  }

  add(rule: Rule): void {
    this.list.push(rule);
    this.byId.set(rule.revocationId, rule);
    const entry = { rule, epoch: this.list.length };
    if (rule.suspends) this.suspensions += 1;
    if (rule.quarantine && rule.target !== 'tool') this.quarantines.set(canonicalize(rule.selector), rule);
    const { tool, verb } = rule.selector;
    if (tool !== undefined || verb !== undefined) this.newestNaming = Math.max(this.newestNaming, rule.position);
    if (rule.resumed) return;
    if (verb !== undefined) this.byVerb.push(rule);
    if (tool !== undefined) {
      const spelled = normalizeTool(tool);
      const named = this.byTool.get(spelled);
      if (named) named.push(rule);
      else this.byTool.set(spelled, [rule]);
    }
    const index = rule.suspends ? this.held : this.byKey;
    if (rule.suspends) this.holding += 1;
    for (const slot of slotsOfRule(rule)) {
      const rules = index.get(slot);
      if (rules) rules.push(entry);
      else index.set(slot, [entry]);
    }
  }

  /** Returns the rules that name this tool or verb: a normalized verb is also a normalized tool name. */
  forTool(name: string): readonly Rule[] {
    return this.byTool.get(normalizeTool(name)) ?? NONE;
  }

  /** Returns the rules whose pattern of verbs covers this normalized verb. */
  forVerb(verb: string): readonly Rule[] {
    if (this.byVerb.length === 0) return NONE;
    return this.byVerb.filter(({ selector }) => selector.verb !== undefined && matchesVerb(selector.verb, verb));
  }

  lift(revocationId: string, position: number, time: number): void {
    const rule = this.byId.get(revocationId);
    if (!rule) return;
    rule.quarantine = false;
    if (rule.target === 'tool') rule.lifted = { position, time };
  }

  /** Ends a suspension; it stays in the list, since it applied to the decisions before. */
  resume(revocationId: string, position: number, time: number): void {
    const rule = this.byId.get(revocationId);
    if (!rule?.suspends || rule.resumed) return;
    rule.resumed = { position, time };
    this.holding -= 1;
    const { tool, verb } = rule.selector;
    if (verb !== undefined) drop(this.byVerb, (each) => each === rule);
    if (tool !== undefined) drop(this.byTool.get(normalizeTool(tool)), (each) => each === rule);
    for (const slot of slotsOfRule(rule)) drop(this.held.get(slot), (each) => each.rule === rule);
  }

  find(revocationId: string): Rule | undefined {
    return this.byId.get(revocationId);
  }

  /**
   * Returns the rule after which another one with this selector would stop nothing more: it stops what is older than it,
   * and its quarantine refuses what is newer.
   * @param suspends whether the other one would be a suspension
   */
  covering(selector: StoredSelector, suspends: boolean, now: number): Rule | undefined {
    const rule = this.quarantines.get(canonicalize(selector));
    if (!rule?.quarantine) return undefined;
    const isAsStrict = !rule.suspends || (suspends && rule.until === undefined && appliesAt(rule, now));
    return isAsStrict ? rule : undefined;
  }

  /**
   * Returns the oldest rule newer than `since` that is indexed by one of the subject's values and satisfies `test`. The
   * oldest one does not depend on when, or after which other lookups, it is requested (I10).
   */
  match(subject: Subject, since: number, test: (rule: Rule) => boolean): Rule | undefined {
    return oldest(this.byKey, subject, since, test);
  }

  /** Returns the oldest suspension that was not lifted, is indexed by one of the subject's values and satisfies `test`. */
  holds(subject: Subject, test: (rule: Rule) => boolean): Rule | undefined {
    return this.holding === 0 ? undefined : oldest(this.held, subject, 0, test);
  }
}

interface Entry {
  readonly rule: Rule;
  readonly epoch: number;
}

function oldest(
  index: ReadonlyMap<string, readonly Entry[]>,
  subject: Subject,
  since: number,
  test: (rule: Rule) => boolean,
): Rule | undefined {
  let found: Entry | undefined;
  for (const slot of slotsOf(subject)) {
    const rules = index.get(slot) ?? NONE;
    for (let i = rules.length - 1; i >= 0; i--) {
      const entry = rules[i] as Entry;
      if (entry.epoch <= since) break;
      if (found && found.epoch < entry.epoch) continue;
      if (test(entry.rule) && selects(entry.rule.selector, subject)) found = entry;
    }
  }
  return found?.rule;
}

function drop<T>(list: T[] | undefined, isDropped: (each: T) => boolean): void {
  const at = list?.findIndex(isDropped) ?? -1;
  if (at >= 0) list?.splice(at, 1);
}

function slotsOfRule({ selector }: Rule): string[] {
  const key = KEYS.find((name) => selector[name] !== undefined);
  return key === undefined ? ['any'] : slotsFor(key, selector[key]);
}

function slotsOf(subject: Subject): string[] {
  const slots = ['any'];
  for (const key of KEYS) slots.push(...slotsFor(key, subject[key]));
  return slots;
}

const slotsFor = (key: (typeof KEYS)[number], value: string | undefined): string[] =>
  value === undefined ? [] : nameKeys(value).map((each) => `${key}=${each}`);

const NONE: readonly never[] = [];

/**
 * Reports whether a run's authority is older than a rule, or than the time that the rule names. A lease is as old as
 * its run: a lease approved or raised after the rule still rests on a request or a grant from before it.
 */
export function isOlder(rule: Rule, run: Opened): boolean {
  if (run.position >= rule.position) return false;
  return rule.issuedBefore === undefined || run.startedAt < rule.issuedBefore;
}

/** Reports whether a rule applies at a time: a revocation for good, a suspension until it ends. */
export const appliesAt = ({ suspends, until, resumed }: Rule, now: number): boolean =>
  !suspends || (resumed === undefined && (until === undefined || now < until));

/**
 * I6: reports whether a rule ends authority older than itself, or than the time it names. A rule for a tool ends
 * nothing, and neither does a suspension.
 */
export const strikes = (rule: Rule, run: Opened): boolean =>
  !rule.suspends && rule.target !== 'tool' && isOlder(rule, run);

/** Reports whether a rule suspends the leases of a run that it selects: those that it would end if it were a revocation. */
export const suspendsAt = (rule: Rule, run: Opened, now: number): boolean =>
  rule.suspends === true && rule.target !== 'tool' && isOlder(rule, run) && appliesAt(rule, now);

/**
 * Reports whether a rule denies its tool to a run while it applies: to older ones and, under its quarantine, to newer ones
 * too. So does one that is about leases: a name that is no verb may be the tool of any lease, and selects none.
 */
export const deniesTool = (rule: Rule, run: Opened, now: number): boolean =>
  appliesAt(rule, now) && (isOlder(rule, run) || (rule.target === 'tool' && rule.quarantine));
