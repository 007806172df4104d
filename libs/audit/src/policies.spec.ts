import { act } from '@bailiwick/authority/testing/harness';
import { deployment, meaning } from '@bailiwick/authority/testing/policies';
import type { Event } from '@bailiwick/contracts/events/event';
import { SealedLog } from '@bailiwick/receipts/testing/sealed-log';
import { findings } from './testing/findings';

/** Decisions under the policy of the release and under two deployed ones. */
function twice(): SealedLog {
  const log = new SealedLog();
  const { grantId } = log.open();
  act(log, grantId, 'parcel.track');
  log.do('deployPolicy', deployment(meaning('parcel.track', 'read'), 0));
  act(log, grantId, 'parcel.track');
  log.do('deployPolicy', deployment(meaning('parcel.track', 'external'), 1));
  act(log, grantId, 'parcel.track');
  return log;
}

const inLast =
  (log: SealedLog, type: Event['type'], data: object) =>
  (event: Event): object | undefined =>
    event.position === log.events.findLast((each) => each.type === type)?.position ? data : undefined;

const ofPolicy = (log: SealedLog, change: (event: Event) => object | undefined): string[] =>
  findings(log, change).filter((each) => each.startsWith('policy: '));

describe('the audit of policies', () => {
  it('finds nothing in a log in which each decision names the version in force', () => {
    expect(findings(twice())).toEqual([]);
  });

  it.each([[undefined], [1], [3]])('finds a decision that names version %s where version 2 is in force', (policy) => {
    const log = twice();
    const { actionId } = log.last('ActionPermitted');
    expect(findings(log, inLast(log, 'ActionPermitted', { policy }))).toEqual([
      `policy: ${actionId} is decided under version ${policy ?? 0}, but version 2 is in force`,
    ]);
  });

  it.each([
    ['skips a version', { version: 3 }, 'policy: version 3 replaces 1, but version 1 is in force'],
    ['replaces another version', { replaces: 0 }, 'policy: version 2 replaces 0, but version 1 is in force'],
    [
      'has another digest',
      { digest: `sha256:${'0'.repeat(64)}` },
      'policy: the parts before version 2 are not the bundle with its digest',
    ],
    ['has more parts', { parts: 2 }, 'policy: the parts before version 2 are not the bundle with its digest'],
  ])('finds a deployment that %s', (_what, data, finding) => {
    const log = twice();
    expect(ofPolicy(log, inLast(log, 'PolicyDeployed', data))[0]).toBe(finding);
  });

  it('finds a part whose text was exchanged', () => {
    const log = twice();
    const text = deployment(meaning('parcel.track', 'read'), 1).bundle;
    expect(ofPolicy(log, inLast(log, 'PolicyPart', { text }))[0]).toBe(
      'policy: the parts before version 2 are not the bundle with its digest',
    );
  });
});
