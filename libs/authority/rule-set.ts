import type { StoredSelector } from '#contracts/event';
import type { Limits } from '#contracts/grant';
import { LIMITS } from '#kernel/limits';
import { nameKey } from '#kernel/look-alike';
import { couldUse } from './could-use';
import { normalizeTool } from './tool-name';

export interface Rule {
  readonly revocationId: string;
  readonly selector: StoredSelector;
  readonly position: number;
  readonly time: number;
  /** ms; undefined: whatever is older than the rule itself */
  readonly issuedBefore: number | undefined;
  quarantine: boolean;
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

/** `Scraper` is `scraper`, and so is one with a Cyrillic letter: a rule holds for every name that looks like it. */
const spelt = (value: string | undefined): string | undefined => (value === undefined ? undefined : nameKey(value));

/** All the parts given must match. */
export function selects(selector: StoredSelector, subject: Subject): boolean {
  for (const key of KEYS) {
    if (selector[key] !== undefined && spelt(selector[key]) !== spelt(subject[key])) return false;
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
    const slot = key === undefined ? 'any' : `${key}=${spelt(rule.selector[key])}`;
    const rules = this.byKey.get(slot);
    const entry = { rule, epoch: this.list.length };
    const { tool } = rule.selector;
    if (tool !== undefined) {
      const spelt = normalizeTool(tool);
      this.byTool.set(spelt, [...(this.byTool.get(spelt) ?? []), rule]);
    }
    if (rules) rules.push(entry);
    else this.byKey.set(slot, [entry]);
  }

  /** The rules that name this tool, found by its name. */
  forTool(tool: string): readonly Rule[] {
    return this.byTool.get(normalizeTool(tool)) ?? [];
  }

  lift(revocationId: string): void {
    const rule = this.byId.get(revocationId);
    if (rule) rule.quarantine = false;
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
  for (const key of KEYS) if (subject[key] !== undefined) slots.push(`${key}=${spelt(subject[key])}`);
  return slots;
}

/** I6: a rule strikes what is older than itself, or than the time it names. */
export function strikes(rule: Rule, grant: { position: number; issuedAt: number }): boolean {
  if (grant.position >= rule.position) return false;
  return rule.issuedBefore === undefined || grant.issuedAt < rule.issuedBefore;
}
