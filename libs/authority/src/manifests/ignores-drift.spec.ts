import { delegateTestRun, openTestRun, ROOMY, TestLog } from '../testing/harness';
import { deploy, manifests } from '../testing/policies';
import { ignoresDrift } from './ignores-drift';

const thresholds = (stepUpAt: number, suspendAt: number) => ({ purpose: { onDrift: { stepUpAt, suspendAt } } });
const OPEN = { ...ROOMY, ...thresholds(1, 1), delegation: { depth: 1, children: 2, classes: ['*'] } };

describe('ignoresDrift', () => {
  it('is true only for a known lease whose thresholds are both 1', () => {
    const log = new TestLog();
    const of = (grant: object): string => openTestRun(log, { ...OPEN, ...grant }, 'bot').grantId;
    const ids = [of({}), of(thresholds(0.6, 1)), 'grt_0_unknown'];
    expect(ids.map((id) => ignoresDrift(log.state, id, log.rules))).toEqual([true, false, false]);
  });

  it('is false from the event on that gives a lease above, or a manifest, a threshold', () => {
    const log = new TestLog();
    const root = openTestRun(log, OPEN, 'root').grantId;
    const leaf = delegateTestRun(log, root, thresholds(1, 1), 'leaf').grantId;
    const ignores = (): boolean => ignoresDrift(log.state, leaf, log.rules);
    deploy(log, manifests({ class: '*' }));
    expect(ignores()).toBe(true);
    for (const agentClass of ['root', 'leaf']) {
      deploy(log, manifests({ class: '*' }, { class: agentClass, most: thresholds(0.6, 0.85) }));
      expect(ignores()).toBe(false);
    }
    deploy(log, manifests({ class: '*' }));
    log.do('narrow', { grantId: root, grant: thresholds(0.6, 0.85), actor: { kind: 'person', id: 'key:ann' } });
    expect(ignores()).toBe(false);
  });
});
