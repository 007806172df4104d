import type { Permission } from '@bailiwick/contracts/grants/grant';
import type { Refusal } from '@bailiwick/contracts/reason';
import { describeEntry } from '../../dimensions/entry';
import { listed } from '../../presentation/text';

/** I3: returns the refusal of limits under which entries with caps would count from nothing. */
export const wouldRestart = (code: Refusal['code'], detail: string, entries: readonly Permission[]): Refusal => ({
  code,
  detail: `${detail}: ${listed(entries.map(describeEntry))}`,
  reasons: entries.map((entry) => ({
    rule: 'permissions',
    outcome: 'deny',
    code: 'WIDENS',
    message: `${describeEntry(entry)} would count from nothing`,
    path: 'permissions',
  })),
});
