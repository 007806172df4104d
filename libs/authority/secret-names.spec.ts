import { judgeTrajectory } from '#trajectory/rules';
import { openTestRun, ROOMY, TestLog } from './testing/harness';

/** `refused`, or the labels of a read of this file. */
function labelsOf(id: string, verb = 'file.read', type = 'file'): string {
  const log = new TestLog(judgeTrajectory);
  const { grantId } = openTestRun(log, ROOMY);
  const action = { grantId, action: { verb }, resource: { type, id }, proof: { vouched: true as const } };
  const told = log.try('authorize', action);
  if ('refusal' in told) return 'refused';
  const decided = told.events.find((event) => event.type === 'ActionPermitted');
  return decided?.type === 'ActionPermitted' ? decided.data.labels.join(' ') : 'not permitted';
}

describe('names of secrets', () => {
  it.failing('are not hidden by a percent-encoded letter', () => expect(labelsOf('config/.%65nv')).toBe('refused'));

  it.failing.each([
    'config/.ｅnv',
    '.env.',
    '.env::$DATA',
    '.envrc',
    'prod.env',
    '.kube/config',
    '.docker/config.json',
    'infra/terraform.tfstate',
    'gcp/service-account.json',
    'keys/id_rsa.bak',
  ])('are known in the form %s', (id) => expect(labelsOf(id)).toContain('read:secret'));

  it.failing.each(['ssm.get', 'kms.decrypt', 'secretmanager.access', 'keychain.get'])(
    'are known where the verb %s reads them',
    (verb) => expect(labelsOf('prod/db', verb, 'thing')).toContain('read:secret'),
  );
});
