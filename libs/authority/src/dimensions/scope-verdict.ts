import type { Consumed } from '@bailiwick/contracts/grants/grant';
import { money } from '@bailiwick/core/money';
import { quantity } from '@bailiwick/core/quantity';
import { counted } from '../presentation/text';
import type { Scope, ScopeFacts } from '../state/scopes';
import { SETTLED } from '../state/usage';
import type { Verdict } from './dimension';
import { deny } from './verdict';

/**
 * Denies an action that would exceed a cap of a scope that covers it; undefined if none does. A scope whose usage is
 * unknown counts as used up (I11).
 * @param used the usage of each scope, same order
 */
export function scopeVerdict(
  scopes: readonly Scope[],
  used: readonly Consumed[] | undefined,
  facts: ScopeFacts,
  charge: Consumed,
): Verdict | undefined {
  for (const [i, scope] of scopes.entries()) {
    if (!scope.covers(facts)) continue;
    const denied = deniedBy(scope, used?.[i], charge);
    if (denied) return denied;
  }
  return undefined;
}

/** Denies an action that would exceed a cap of a scope; undefined if all have room. */
export function deniedBy(
  { caps, path, says, code }: Scope,
  used: Consumed | undefined,
  charge: Consumed,
): Verdict | undefined {
  if (used === undefined) return deny(code, `the usage for ${says} is unknown`, { path });
  const { calls } = caps;
  if (calls !== undefined && !(used.calls + charge.calls <= calls)) {
    const message = `${used.calls} of ${counted(calls, 'call')} of ${says} are used up`;
    return deny(code, message, { path: `${path}.calls`, limit: calls, actual: used.calls });
  }
  for (const kind of SETTLED) {
    const [amounts, most] = [charge[kind], caps[kind]];
    if (amounts === undefined || most === undefined) continue;
    const text = kind === 'cost' ? money : quantity;
    for (const [name, value] of Object.entries(amounts)) {
      const cap = Object.hasOwn(most, name) ? most[name] : undefined;
      const spent = used[kind]?.[name] ?? 0;
      if (cap === undefined || spent + value <= cap) continue;
      const message = `${text(spent, name)} of ${text(cap, name)} for ${says} are used or reserved, and this takes ${text(value, name)}`;
      return deny(code, message, { path: `${path}.${kind}.${name}`, limit: cap, actual: spent });
    }
  }
  return undefined;
}
