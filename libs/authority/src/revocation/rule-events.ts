import type { EventOf } from '@bailiwick/contracts/events/event';
import { rfc3339 } from '@bailiwick/core/clock';
import type { LogState } from '../state/state';

export type RuleEvent = EventOf<'RevocationRuleAdded'> | EventOf<'QuarantineLifted'> | EventOf<'SuspensionLifted'>;

/**
 * Returns the revocations of a log that are not limited to a tree, as the events that made them: with them the events
 * of one tree fold to the same grants as those of the whole log. Their actors and reasons are not in the state.
 */
export function ruleEvents({ log, tenant, rules }: LogState): RuleEvent[] {
  const at = (position: number, time: number) => ({
    log,
    position,
    id: `rule_${position}`,
    time: rfc3339(time),
    tenant,
    actor: { kind: 'system' as const, id: 'ledger' },
    commandId: `sys_rule_${position}`,
  });
  const events = rules.list
    .filter(({ selector }) => selector.treeId === undefined)
    .flatMap(
      ({
        revocationId,
        selector,
        target,
        suspends,
        until,
        position,
        time,
        quarantine,
        lifted,
        resumed,
      }): RuleEvent[] => {
        // a quarantine that refuses leases does not change issued ones; one that denies a tool does
        const denies = target === 'tool' && (quarantine || lifted !== undefined);
        const held = {
          ...(suspends ? { mode: 'suspend' as const } : {}),
          ...(until === undefined ? {} : { until: rfc3339(until) }),
        };
        const data = { revocationId, selector, ...(target ? { target } : {}), ...held, quarantine: denies };
        return [
          { ...at(position, time), type: 'RevocationRuleAdded', data: { ...data, reason: { code: 'REVOKED' } } },
          ...(lifted === undefined
            ? []
            : [{ ...at(lifted.position, lifted.time), type: 'QuarantineLifted' as const, data: { revocationId } }]),
          ...(resumed === undefined
            ? []
            : [
                {
                  ...at(resumed.position, resumed.time),
                  type: 'SuspensionLifted' as const,
                  data: { revocationId, reason: { code: 'RESUMED' } },
                },
              ]),
        ];
      },
    );
  return events.sort((a, b) => a.position - b.position);
}

/** Merges the rules, and other events that belong to no tree, into the events of a tree, by position. */
export class WithRules<E extends Pick<RuleEvent, 'position'> = RuleEvent> {
  private next = 0;
  /** @param rules in the order of their positions */
  constructor(private readonly rules: readonly E[]) {}

  /** Returns the rules that precede a position, each once. */
  before(position: number): readonly E[] {
    const from = this.next;
    while ((this.rules[this.next]?.position ?? Infinity) < position) this.next += 1;
    return this.rules.slice(from, this.next);
  }
}
