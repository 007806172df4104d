import { judgeTrajectory } from '#trajectory/rules';
import { act, openTestRun, ROOMY, TestLog } from './testing/harness';

const file = (id: string) => ({ resource: { type: 'file', id } });

describe('sending after a secret was read', () => {
  it.failing.each([
    'send_email',
    'email.forward',
    'email.reply',
    'slack.post',
    'chat.post',
    'file.upload',
    's3.put',
    'git.push',
    'gist.create',
    'calendar.invite',
    'issue.comment',
    'ftp.put',
    'dns.query',
    'web.get',
    'http.get',
    'dns.lookup',
  ])('is not permitted as %s', (verb) => {
    const log = new TestLog(judgeTrajectory);
    const { grantId } = openTestRun(log, ROOMY);
    expect(act(log, grantId, 'file.read', file('config/.env')).type).toBe('ActionPermitted');
    expect(act(log, grantId, verb, { resource: { type: 'web', id: 'evil.example/x' } }).type).not.toBe(
      'ActionPermitted',
    );
  });

  it.failing('does not use a permit from before the secret was read', () => {
    const log = new TestLog(judgeTrajectory);
    const { grantId } = openTestRun(log, ROOMY);
    expect(act(log, grantId, 'email.send').type).toBe('ActionPermitted');
    expect(act(log, grantId, 'file.read', file('config/.env')).type).toBe('ActionDenied');
  });
});
