import type { StoredSelector } from '@bailiwick/contracts/event';
import type { Limits } from '@bailiwick/contracts/grant';
import { LIMITS } from '@bailiwick/core/limits';
import { looksLike, nameKeys } from '@bailiwick/core/look-alike';
import { couldUse } from '../matching/could-use';
import { normalizeTool } from '../matching/tool-name';

export interface Rule {
  readonly revocationId: string;
  readonly selector: StoredSelector;
  readonly position: number;
  readonly time: number;
  /** ms; undefined: whatever is older than the rule itself */
  readonly issuedBefore: number | undefined;
  /** `tool`: the rule denies the tool that it names, and ends no lease; undefined: it ends leases */
  readonly target: 'tool' | undefined;
  quarantine: boolean;
  /** of a rule that denies a tool: where its quarantine was lifted */
  lifted: { readonly position: number; readonly time: number } | undefined;
}

/** What a rule looks at to tell how old authority is. */
export interface Opened {
  /** of RunOpened */
  readonly position: number;
  readonly startedAt: number;
}

/** What a selector looks at: a grant and its run, or one that is about to be made. */
export interface Subject {
  readonly agentClass: string;
  readonly agentInstance: string | undefined;
  readonly modelVersion: string | undefined;
  readonly principalRef: string;
  readonly purposeRef: string;
  readonly treeId: string;
  readonly limits: Limits;
}

/** The attributes a rule is found by, the most telling first; `tool` and time alone are found by no attribute. */
const KEYS = ['treeId', 'agentInstance', 'principalRef', 'purposeRef', 'agentClass', 'modelVersion'] as const;

/** All the parts given must match. `Scraper` is `scraper`, and so is every name that looks like it. */
export function selects(selector: StoredSelector, subject: Subject): boolean {
  for (const key of KEYS) {
    const [wanted, has] = [selector[key], subject[key]];
    if (wanted !== undefined && (has === undefined || !looksLike(wanted, has))) return false;
  }
  return selector.tool === undefined || couldUse(subject.limits, selector.tool);
}

/**
 * The active revocation rules of a log, each under one attribute of its selector, so that a grant looks up its own few
 * values and never the rules or the other grants (I6). The epoch counts rules: a grant that was checked at the newest
 * epoch needs no look-up at all.
 */
export class RuleSet {
  readonly list: Rule[] = [];
  private readonly byId = new Map<string, Rule>();
  private readonly byTool = new Map<string, Rule[]>();
  private readonly byKey = new Map<string, { rule: Rule; epoch: number }[]>();

  get epoch(): number {
    return this.list.length;
  }

  add(rule: Rule): void {
    this.list.push(rule);
    this.byId.set(rule.revocationId, rule);
    const key = KEYS.find((name) => rule.selector[name] !== undefined);
    const slots = key === undefined ? ['any'] : slotsFor(key, rule.selector[key]);
    const entry = { rule, epoch: this.list.length };
    const { tool } = rule.selector;
    if (tool !== undefined) {
      const spelt = normalizeTool(tool);
      const named = this.byTool.get(spelt);
      if (named) named.push(rule);
      else this.byTool.set(spelt, [rule]);
    }
    for (const slot of slots) {
      const rules = this.byKey.get(slot);
      if (rules) rules.push(entry);
      else this.byKey.set(slot, [entry]);
    }
  }

  /** The rules that name this tool or verb: a verb in its one spelling is a tool's name in its one spelling, too. */
  forTool(name: string): readonly Rule[] {
    return this.byTool.get(normalizeTool(name)) ?? NONE;
  }

  lift(revocationId: string, position: number, time: number): void {
    const rule = this.byId.get(revocationId);
    if (!rule) return;
    rule.quarantine = false;
    if (rule.target === 'tool') rule.lifted = { position, time };
  }

  find(revocationId: string): Rule | undefined {
    return this.byId.get(revocationId);
  }

  get full(): boolean {
    return this.list.length >= LIMITS.activeRules;
  }

  /**
   * The oldest rule newer than `since` under one of the subject's values that satisfies `test`. The oldest, so that it
   * is the same one whenever it is asked for, and whatever was asked before (I10).
   */
  match(subject: Subject, since: number, test: (rule: Rule) => boolean): Rule | undefined {
    let oldest: { rule: Rule; epoch: number } | undefined;
    for (const slot of slotsOf(subject)) {
      const rules = this.byKey.get(slot) ?? [];
      for (let i = rules.length - 1; i >= 0; i--) {
        const entry = rules[i] as { rule: Rule; epoch: number };
        if (entry.epoch <= since) break;
        if (oldest && oldest.epoch < entry.epoch) continue;
        if (test(entry.rule) && selects(entry.rule.selector, subject)) oldest = entry;
      }
    }
    return oldest?.rule;
  }
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
 * Is this run's authority older than a rule, or than the time that the rule names? A lease is as old as the run it is of:
 * one that a person approves, or raises, after the rule was asked for, or rests on what was given, before it.
 */
export function isOlder(rule: Rule, run: Opened): boolean {
  if (run.position >= rule.position) return false;
  return rule.issuedBefore === undefined || run.startedAt < rule.issuedBefore;
}

/** I6: a rule ends what is older than itself, or than the time it names. One that denies a tool ends nothing. */
export const strikes = (rule: Rule, run: Opened): boolean => rule.target !== 'tool' && isOlder(rule, run);

/** A rule that denies a tool denies it to what is older and, under its quarantine, to what is newer. */
export const deniesTool = (rule: Rule, run: Opened): boolean =>
  isOlder(rule, run) || (rule.target === 'tool' && rule.quarantine);

/** All parts of a selector but its tool. */
export const withoutTool = ({ tool: _, ...others }: StoredSelector): StoredSelector => others;
