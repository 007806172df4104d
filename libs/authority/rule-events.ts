import type { EventOf } from '#contracts/event';
import { rfc3339 } from '#kernel/clock';
import type { LogState } from './state';

/**
 * The revocations of a log that are of no tree, as the events that made them: with them the events of one tree fold to
 * the same grants as those of the whole log. Who made them, and why, is not in the state.
 */
export function ruleEvents({ log, tenant, rules }: LogState): EventOf<'RevocationRuleAdded'>[] {
  return rules.list
    .filter(({ selector }) => selector.treeId === undefined)
    .map(({ revocationId, selector, position, time }) => ({
      log,
      position,
      id: `rule_${position}`,
      type: 'RevocationRuleAdded',
      time: rfc3339(time),
      tenant,
      actor: { kind: 'system', id: 'ledger' },
      commandId: `sys_rule_${position}`,
      data: { revocationId, selector, quarantine: false, reason: { code: 'REVOKED' } },
    }));
}

/** Events of a tree with the rules among them, by position. */
export class WithRules {
  private next = 0;
  constructor(private readonly rules: readonly EventOf<'RevocationRuleAdded'>[]) {}

  /** The rules that come before a position, each told once. */
  before(position: number): readonly EventOf<'RevocationRuleAdded'>[] {
    const from = this.next;
    while ((this.rules[this.next]?.position ?? Infinity) < position) this.next += 1;
    return this.rules.slice(from, this.next);
  }
}
