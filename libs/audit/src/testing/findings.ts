import type { Event } from '@bailiwick/contracts/events/event';
import { NAME, VKEY, type SealedLog } from '@bailiwick/receipts/testing/sealed-log';
import { parseVerifierKey } from '@bailiwick/transparency-log/note';
import { valueOf } from '@bailiwick/transparency-log/testing/keys';
import { Audit } from '../audit';

/**
 * Audits a log, and returns each finding as `check: detail`.
 * @param change the members of an event's data that are forged; undefined leaves the event as it is
 */
export function findings(log: SealedLog, change: (event: Event) => object | undefined = () => undefined): string[] {
  const auditor = new Audit({ log: 'default/0', origin: NAME, keys: [valueOf(parseVerifierKey(VKEY))], heads: [] });
  for (const stored of log.stored()) {
    const event = JSON.parse(stored.body) as Event;
    const data = change(event);
    auditor.add(data ? { ...stored, body: JSON.stringify({ ...event, data: { ...event.data, ...data } }) } : stored);
  }
  return auditor.report().findings.map(({ check, detail }) => `${check}: ${detail}`);
}
