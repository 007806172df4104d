import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import { stateDigest } from '../../state/digest';
import { fromSnapshot, toSnapshot } from '../../state/snapshot';
import { act, delegateTestRun, openTestRun, ROOMY, TestLog } from '../../testing/harness';

const file = (id: string) => ({ resource: { type: 'file', id } });
const SECRET = file('config/.env');
const ANY: GrantRequest = { ...ROOMY, risk: { ceiling: 'irreversible', approvalFrom: 'irreversible' } };
const HIGH: GrantRequest = { ...ROOMY, risk: { ceiling: 'high', approvalFrom: 'irreversible' } };
const EVIL = { resource: { type: 'web', id: 'evil.example/x' } };

function start(grant: GrantRequest = { ...ROOMY, risk: { ceiling: 'high', approvalFrom: 'irreversible' } }): {
  log: TestLog;
  grantId: string;
} {
  const log = new TestLog(judgeTrajectory);
  return { log, grantId: openTestRun(log, grant).grantId };
}
const typeOf = (event: { type: string }): string => event.type.replace('Action', '');
const codesOf = ({ data }: ReturnType<typeof act>): (string | undefined)[] => data.reasons.map(({ code }) => code);

describe('sending after a secret was read', () => {
  const after = (verb: string, call: object = EVIL): ReturnType<typeof act> => {
    const { log, grantId } = start();
    expect(typeOf(act(log, grantId, 'file.read', SECRET))).toBe('Permitted');
    return act(log, grantId, verb, call);
  };

  it.each([
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
    // similar names: the other order, other spellings, inflections, compounds, other places
    'sendEmail',
    'SENDemail',
    'emailSend',
    'send-email',
    'sendemail',
    'Email.Forwarding',
    'email.send_draft',
    'post_to_slack',
    'slackPost',
    'uploadFile',
    'file_upload',
    'put_s3_object',
    's3PutObject',
    'bucket.write',
    'pastebin.create',
    'create_gist',
    'gitPush',
    'repo.push_branch',
    'tweet',
    'telegram.message.create',
    'webhook.trigger',
    'trigger_webhook',
    'pubsub.publish',
    'notify.user',
    'broadcast_message',
    'sms.create',
    'doc.share',
    'issue.comment.create',
    'transfer_ownership',
    'invite_user',
    'httpPost',
    'report.submit',
    'list_and_send',
  ])('is denied as %s', (verb) => {
    const decided = after(verb);
    expect([typeOf(decided), codesOf(decided)]).toEqual(['Denied', expect.arrayContaining(['SECRET_EXFILTRATION'])]);
  });

  it.each([
    'dns.query',
    'dns.lookup',
    'web.get',
    'http.get',
    'web.fetch',
    'browser.open',
    'open_url',
    'fetchUrl',
    'resolve_hostname',
    'domain.resolve',
    'download_file_through_url',
    'click_the_link',
    'api.get',
    's3.get',
    'git.clone',
    'image.load',
    'page.screenshot',
  ])('needs approval as %s, at a place that nothing names', (verb) => {
    const decided = after(verb);
    expect([typeOf(decided), codesOf(decided)]).toEqual(['StepUp', expect.arrayContaining(['FETCH_AFTER_PRIVATE'])]);
  });

  it.each([
    'never.heard',
    'calendar.write',
    'crm.update',
    'db.export',
    'drive.sync',
    'pull_request.create',
    'create_issue',
    'ticket.update',
    'backup.make',
    'web.search',
    'query_ai_assistant',
    'x',
    'widget.frobnicate',
  ])('is in doubt as %s, and needs approval', (verb) => {
    expect(typeOf(after(verb))).toBe('StepUp');
  });

  it.each([
    'file.read',
    'file.write',
    'file.list',
    'file.rename',
    'file.delete',
    'repo.commit',
    'repo.branch.create',
    'git.commit',
    'git.status',
    'db.query',
    'list_files',
    'get_channels',
    'email.delete',
    'get_comments',
    'slack.read',
    'update_note',
  ])('does not prevent %s', (verb) => {
    expect(typeOf(after(verb, file('src/a.ts')))).toBe('Permitted');
  });

  it('is not in doubt if an enforcement point states the effect of an unknown verb', () => {
    const { log, grantId } = start();
    act(log, grantId, 'file.read', SECRET);
    const outcomeOf = (effect: 'write' | 'external') =>
      typeOf(act(log, grantId, '', { action: { verb: 'never.heard', effect } }));
    expect([outcomeOf('write'), outcomeOf('external')]).toEqual(['Permitted', 'Denied']);
  });
});

describe('sending once private and untrusted data have met', () => {
  it.each([
    ['never.heard', 'StepUp'],
    ['send_email', 'StepUp'],
    ['web.get', 'StepUp'],
    ['calendar.write', 'StepUp'],
    ['file.write', 'Permitted'],
    ['list_files', 'Permitted'],
  ])('answers %s with %s', (verb, expected) => {
    const { log, grantId } = start();
    act(log, grantId, 'email.read');
    expect(typeOf(act(log, grantId, verb, EVIL))).toBe(expected);
  });

  it('is not restricted after only one of the two', () => {
    const { log, grantId } = start();
    act(log, grantId, 'message.read');
    expect(typeOf(act(log, grantId, 'never.heard'))).toBe('Permitted');
    expect(typeOf(act(log, grantId, 'web.get', EVIL))).toBe('Permitted');
  });
});

describe('fetching from a place after private data was read', () => {
  const resources = [
    { type: '*', match: '**' },
    { type: 'web', match: 'Docs.example/guide/**' },
  ];
  const fetched = (id: string, more: GrantRequest = {}): string => {
    const { log, grantId } = start({
      ...ANY,
      resources,
      ...more,
      risk: { ceiling: 'high', approvalFrom: 'irreversible' },
    });
    act(log, grantId, 'payment.list');
    return typeOf(act(log, grantId, 'web.get', { resource: { type: 'web', id } }));
  };

  it.each([
    ['Docs.example/guide/a', 'Permitted'],
    ['Docs.example/other?leak', 'StepUp'],
    ['evil.example/Docs.example/guide/a', 'StepUp'],
    ['a.Docs.example/guide/a', 'StepUp'],
    ['Docs.example:81/guide/a', 'StepUp'],
    ['user@Docs.example/guide/a', 'StepUp'],
  ])('answers %s with %s', (id, expected) => expect(fetched(id)).toBe(expected));

  it.each([
    ['https://docs.example/guide/a', 'https://docs.example/guide/**', 'Permitted'],
    ['HTTPS://Docs.example:443/guide/a', 'https://docs.example/guide/**', 'Permitted'],
    ['https://docs.example/leak', 'https://docs.example/guide/**', 'StepUp'],
    ['http://docs.example/guide/a', 'https://docs.example/guide/**', 'StepUp'],
    ['https://docs.example:8443/guide/a', 'https://docs.example/guide/**', 'StepUp'],
    ['https://leak.docs.example/guide/a', 'https://*.docs.example/**', 'StepUp'],
    ['https://evil.example/x', 'https://**', 'StepUp'],
    ['https://evil.example/x', 'https://*/x', 'StepUp'],
    ['/todos/5', '/todos/**', 'Permitted'],
    ['/todos/5', '/**', 'StepUp'],
    ['/leak/5', '/*/5', 'StepUp'],
    ['docs/5', 'd*/5', 'StepUp'],
  ])('answers %s under a lease that names %s with %s', (id, match, expected) => {
    const ALL = ['**', '/**', 'http://**', 'https://**'].map((each) => ({ type: '*', match: each }));
    const { log, grantId } = start({ ...HIGH, resources: [...ALL, { type: 'web', match }] });
    act(log, grantId, 'payment.list');
    expect(typeOf(act(log, grantId, 'web.get', { resource: { type: 'web', id } }))).toBe(expected);
  });

  it('is permitted at a URL that the goal delegates to, and at no other scheme, port or host', () => {
    const ALL = ['http://**', 'https://**', '**'].map((match) => ({ type: '*', match }));
    const fetchedFrom = (id: string, source: string) => {
      const { log, grantId } = start({ ...HIGH, resources: ALL, purpose: { delegatedSources: [source] } });
      act(log, grantId, 'payment.list');
      return typeOf(act(log, grantId, 'web.get', { resource: { type: 'web', id } }));
    };
    expect(fetchedFrom('https://news.example/today/1', 'https://news.example/today')).toBe('Permitted');
    expect(fetchedFrom('https://news.example/today/1', 'news.example')).toBe('Permitted');
    expect(fetchedFrom('http://news.example/today/1', 'https://news.example/today')).toBe('StepUp');
    expect(fetchedFrom('https://news.example:8443/today/1', 'https://news.example/today')).toBe('StepUp');
    expect(fetchedFrom('https://news.example.evil.example/today', 'https://news.example')).toBe('StepUp');
  });

  it('is permitted at a place that the goal delegates to', () => {
    const purpose = { delegatedSources: ['https://news.example/today'] };
    expect(fetched('news.example/today/1', { purpose })).toBe('Permitted');
    expect(fetched('news.example/todayleak', { purpose })).toBe('StepUp');
  });

  it('is not permitted by naming the place in a lease that an agent delegates', () => {
    const { log, grantId } = start();
    act(log, grantId, 'payment.list');
    const child = delegateTestRun(log, grantId, { resources: [{ type: 'web', match: 'evil.example/**' }] });
    expect(typeOf(act(log, child.grantId, 'web.get', EVIL))).toBe('StepUp');
  });
});

describe('a permit to send from before a secret is read', () => {
  it.each(['email.send', 'send_email', 'web.post', 'gist.create'])('as %s, prevents reading the secret', (verb) => {
    const { log, grantId } = start();
    const child = delegateTestRun(log, grantId).grantId;
    const sent = act(log, child, verb);
    expect(typeOf(sent)).toBe('Permitted');
    const read = () => act(log, grantId, 'file.read', SECRET);
    expect(codesOf(read())).toEqual(['SENDING_IN_FLIGHT']);
    expect(typeOf(read())).toBe('Denied');
    expect(typeOf(act(log, grantId, 'file.read'))).toBe('Permitted');
    log.do('settle', { actionId: sent.actionId as string, outcome: { status: 'completed' } });
    expect(typeOf(read())).toBe('Permitted');
  });

  it('does so only until it expires', () => {
    const { log, grantId } = start();
    act(log, grantId, 'email.send');
    log.now = [...log.state.actions.values()][0]?.expiresAt ?? 0;
    log.tickAll();
    expect(typeOf(act(log, grantId, 'file.read', SECRET))).toBe('Permitted');
  });

  it.each(['never.heard', 'web.get', 'pull_request.create'])('is in doubt as %s, and needs approval', (verb) => {
    const { log, grantId } = start();
    act(log, grantId, verb, EVIL);
    const read = act(log, grantId, 'file.read', SECRET);
    expect([typeOf(read), codesOf(read)]).toEqual(['StepUp', ['MAY_SEND_IN_FLIGHT']]);
  });

  it('counts in a state restored from a snapshot', () => {
    const { log, grantId } = start();
    for (const verb of ['never.heard', 'file.write', 'email.send']) act(log, grantId, verb);
    const state = fromSnapshot(toSnapshot(log.state));
    expect(stateDigest(state)).toBe(stateDigest(log.state));
    const sending = [...state.trees.values()].flatMap((tree) => tree.sending.map(({ maySend }) => maySend));
    expect(sending).toEqual([true, false]);
    Object.assign(log, { state });
    expect(codesOf(act(log, grantId, 'file.read', SECRET))).toEqual(['SENDING_IN_FLIGHT', 'MAY_SEND_IN_FLIGHT']);
  });
});

describe('executing something after more authority was denied', () => {
  it.each([
    ['shell.run', 'Denied'],
    ['run_command', 'Denied'],
    ['bash', 'Denied'],
    ['executePython', 'Denied'],
    ['never.heard', 'StepUp'],
    ['file.write', 'Permitted'],
  ])('answers %s with %s', (verb, expected) => {
    const { log, grantId } = start();
    log.try('delegate', {
      grantId,
      agent: { class: 'helper' },
      purposeRef: `ref_${'0'.repeat(26)}`,
      grant: { budget: { calls: 1_000_000 } },
    });
    expect(typeOf(act(log, grantId, verb))).toBe(expected);
  });
});
