import { LIMITS } from '@bailiwick/core/limits';
import fc from 'fast-check';
import { checkBundle } from '../bundle';
import { problemText } from '../problem';
import { decisionsOf, runOf, type Call } from '../testing/recorded-runs';
import { deriveLease, readsIn } from './derive-lease';
import { grantOf } from './derived-lease';
import { manifestText } from './manifest-text';

fc.configureGlobal({ seed: 20260101 });

const TASK = 'Please pay the bill of October to the account in bill.txt';
const IBAN = 'DE89370400440532013000';
const pay = (recipient: string, more: Record<string, unknown> = {}): Call => [
  'send_money',
  { recipient, amount: 98.7, subject: 'Bill', ...more },
];
/** Five runs that agree on the recipient, and word the subject differently. */
const runs = [0, 1, 2, 3, 4].map((i) =>
  runOf(TASK, [['read_file', { file_path: 'bill.txt' }], pay(IBAN, { subject: `Bill, version ${i}` })]),
);
const firstOf = (lease: ReturnType<typeof deriveLease>, ...calls: Call[]): string =>
  decisionsOf(lease, runOf(TASK, calls))[0] as string;

describe('deriveLease', () => {
  it('admits what the runs agree on, whatever the wording', () => {
    const lease = deriveLease(runs);
    expect(firstOf(lease, pay(IBAN, { subject: 'another subject' }))).toBe('permit');
    expect(firstOf(lease, ['read_file', { file_path: 'other.txt' }])).toBe('permit');
  });

  it.each<[string, Call]>([
    ['another recipient', pay('US133000000121212121212')],
    ['a call that leaves the recipient out', ['send_money', { amount: 98.7 }]],
    ['a verb that no run used', ['update_password', { password: 'x' }]],
    ['a reading verb that no run used', ['get_iban']],
  ])('denies %s', (_, call) => {
    expect(firstOf(deriveLease(runs), call)).toBe('deny');
  });

  it('binds addresses even if every run had another one, and those of the web also for what only reads', () => {
    const lease = deriveLease(
      ['a', 'b', 'c'].map((name) =>
        runOf(TASK, [
          ['send_email', { recipients: [`${name}@example.com`], body: `Hello ${name}` }],
          ['get_webpage', { url: `www.example.com/${name}` }],
        ]),
      ),
    );
    expect(firstOf(lease, ['send_email', { recipients: ['a@example.com', 'b@example.com'], body: 'Hi' }])).toBe(
      'permit',
    );
    expect(firstOf(lease, ['send_email', { recipients: ['a@example.com', 'eve@example.com'], body: 'Hi' }])).toBe(
      'deny',
    );
    expect(firstOf(lease, ['get_webpage', { url: 'https://www.example.com/d' }])).toBe('permit');
    expect(firstOf(lease, ['get_webpage', { url: 'https://www.example.com.evil.example/a' }])).toBe('deny');
  });

  it('binds addresses within texts, and in arguments that some calls leave out', () => {
    const message = (body: string, more = {}): Call => ['send_direct_message', { recipient: 'Ann', body, ...more }];
    const task = 'Write to Ann about www.example.com/bills';
    const lease = deriveLease(
      [message('Hello'), message('Hi, see www.example.com/a'), message('Hello', { cc: 'bob@example.com' })].map(
        (call) => runOf(task, [call]),
      ),
    );
    expect(firstOf(lease, message('other words'))).toBe('permit');
    expect(firstOf(lease, message('https://www.example.com/a and www.example.com/bills'))).toBe('permit');
    expect(firstOf(lease, message('see www.evil.example'))).toBe('deny');
    expect(firstOf(lease, message('Hello', { cc: 'eve@example.com' }))).toBe('deny');
    expect(firstOf(lease, message('Hello', { cc: 'bob@example.com' }))).toBe('permit');
  });

  it('is small enough to be used, however many addresses the runs had', () => {
    const link = (n: number) => `www.example.com/${String(n).padStart(4, '0')}${'x'.repeat(150)}`;
    const verbs = ['send_direct_message', 'send_channel_message', 'send_email'];
    const many = Array.from({ length: 30 }, (_, run) =>
      runOf(
        'Write to Ann about www.example.com/task',
        verbs.map((verb, at): Call => [
          verb,
          { recipient: 'Ann', body: `${link(run * 2 + at * 100)} ${link(run * 2 + 1)}` },
        ]),
      ),
    );
    const lease = deriveLease(many);
    expect(JSON.stringify(grantOf(lease)).length).toBeLessThan(LIMITS.grantBytes);
    const task: Call = ['send_direct_message', { recipient: 'Ann', body: 'see www.example.com/task' }];
    const none: Call = ['send_direct_message', { recipient: 'Ann', body: 'see above' }];
    expect([firstOf(lease, task), firstOf(lease, none)]).toEqual(['permit', 'permit']);
  });

  it('binds no argument less because of the addresses within all, and those that are addresses first', () => {
    const names = Array.from({ length: 9 }, (_, i) => `a${i}`);
    const call = (count: number, more = {}): Call => [
      'send_direct_message',
      { ...Object.fromEntries(names.slice(0, count).map((name) => [name, 'x'])), z: 'ann@example.com', ...more },
    ];
    const of = (count: number) => deriveLease(Array.from({ length: 60 }, () => runOf(TASK, [call(count)])));
    // seven texts and an address: all eight are bound, as many as a selector can have
    for (const name of [...names.slice(0, 7), 'z']) expect(firstOf(of(7), call(7, { [name]: 'other' }))).toBe('deny');
    expect(firstOf(of(7), call(7))).toBe('permit');
    // of ten, the address is
    expect(firstOf(of(9), call(9, { z: 'eve@example.com' }))).toBe('deny');
    // of seven, the addresses within all arguments are, too
    expect(firstOf(of(6), call(6, { more: 'www.evil.example' }))).toBe('deny');
  });

  it('leaves open what differs from run to run, such as a code', () => {
    const lease = deriveLease([1, 2, 3, 4].map((i) => runOf(TASK, [['verify_account', { otp: `${i}00${i}7` }]])));
    expect(firstOf(lease, ['verify_account', { otp: '555555' }])).toBe('permit');
  });

  it('admits an address that the task names, if the runs use what it names', () => {
    const task = 'Send the report to ann@example.com, or to bob@example.com if it is late';
    const lease = deriveLease(
      [1, 2, 3].map(() => runOf(task, [['send_email', { recipients: ['ann@example.com'], body: 'x' }]])),
    );
    expect(firstOf(lease, ['send_email', { recipients: ['bob@example.com'], body: 'x' }])).toBe('permit');
    expect(firstOf(lease, ['send_email', { recipients: ['eve@example.com'], body: 'x' }])).toBe('deny');
  });

  it('takes no evidence from calls that failed', () => {
    const lease = deriveLease([...runs, runOf(TASK, [['delete_email', { email_id: '1' }, 'not allowed']])]);
    expect(firstOf(lease, ['delete_email', { email_id: '1' }])).toBe('deny');
  });

  it('may read what other runs of the class read, but follows no address for them', () => {
    const others = [runOf('other', [['get_balance'], ['get_webpage', { url: 'https://example.com/a' }], pay(IBAN)])];
    const lease = deriveLease(runs, { reads: readsIn([...runs, ...others]) });
    expect(firstOf(lease, ['get_balance'])).toBe('permit');
    expect(firstOf(lease, ['get_webpage', { url: 'https://example.com/a' }])).toBe('deny');
  });

  it('has caps with margins, the highest risk that occurred, and no delegation', () => {
    const { budget, risk, permissions } = grantOf(deriveLease(runs));
    expect(budget).toMatchObject({ calls: 14, reads: 12, writes: 0, external: 12 });
    expect(risk).toEqual({ ceiling: 'high', approvalFrom: 'irreversible' });
    expect(permissions?.find(({ actions }) => actions[0] === 'send_money')?.calls).toBe(5);
  });

  describe('that asks', () => {
    const others = [
      runOf('other', [
        ['get_balance'],
        ['search_files', { query: 'x' }],
        ['get_webpage', { url: 'https://example.com' }],
      ]),
    ];
    const asking = deriveLease(runs, { asks: true, reads: readsIn([...runs, ...others]) });
    const decided = (...calls: Call[]): string[] => decisionsOf(asking, runOf(TASK, calls));
    const readBill: Call = ['read_file', { file_path: 'bill.txt' }];

    it('permits reads of other tasks before the task has started, and asks about them afterwards', () => {
      expect(decided(['get_balance'], readBill, ['get_balance'])).toEqual(['permit', 'permit', 'step-up']);
    });

    it('does not ask about another way to read what the task reads', () => {
      expect(decided(readBill, ['search_files', { query: 'bill' }])).toEqual(['permit', 'permit']);
    });

    it('asks about values that no run had, and never about an address that no run had', () => {
      expect(decided(pay(IBAN, { amount: 12 }))).toEqual(['step-up']);
      expect(decided(pay('US133000000121212121212'))).toEqual(['deny']);
      expect(decided(readBill, ['get_webpage', { url: 'https://example.com' }])).toEqual(['permit', 'deny']);
    });

    it('asks about an address within a text that no run had', () => {
      expect(decided(pay(IBAN, { subject: 'for www.evil.example' }))).toEqual(['step-up']);
    });

    it('asks about words of others that few runs of the task read once it had started', () => {
      const message: Call = ['read_channel_messages', { channel: 'general' }];
      const few = [...runs, runOf(TASK, [readBill, message, pay(IBAN)])];
      const lease = deriveLease(few, { asks: true });
      expect(decisionsOf(lease, runOf(TASK, [readBill, message]))).toEqual(['permit', 'step-up']);
      expect(decisionsOf(lease, runOf(TASK, [message]))).toEqual(['permit']);
    });

    it('asks about a private read that few runs of the task made once it had started', () => {
      const few = [...runs, runOf(TASK, [readBill, ['get_iban'], pay(IBAN)])];
      const lease = deriveLease(few, { asks: true });
      expect(decisionsOf(lease, runOf(TASK, [readBill, ['get_iban']]))).toEqual(['permit', 'step-up']);
      const many = [1, 2].map(() => runOf(TASK, [readBill, ['get_iban'], pay(IBAN)]));
      expect(decisionsOf(deriveLease(many, { asks: true }), runOf(TASK, [readBill, ['get_iban']]))[1]).toBe('permit');
    });

    it('is a bundle without problems, with rules of which each has its examples', () => {
      const text = manifestText({ agentClass: 'clerk', owner: 'ada', words: 'pays' }, asking);
      const checked = checkBundle({ 'derived.yaml': text });
      expect(checked.ok ? [] : checked.error.map(problemText)).toEqual([]);
      expect(text).toContain('rules:\n  - {"name":"derived-clerk-reads-1"');
    });
  });

  it('is a manifest without problems that states how many runs support each line', () => {
    const text = manifestText({ agentClass: 'clerk', owner: 'ada', words: 'pays\nbills' }, deriveLease(runs));
    const checked = checkBundle({ 'derived.yaml': text });
    expect(checked.ok ? [] : checked.error.map(problemText)).toEqual([]);
    expect(text).toContain('# Derived from 5 clean runs.');
    expect(text).toContain('# 5 of 5: read, then external');
    expect(text).toContain('# send_money: in 5 of 5 runs');
    expect(text).toContain('# recipient: 1 value in 5 runs');
  });

  it('is a manifest with an entry of the catalog by which the gateway finds the addresses itself', () => {
    const text = manifestText({ agentClass: 'clerk', owner: 'ada', words: 'pays' }, deriveLease(runs));
    expect(text).toContain('"addresses-in-arguments":{"addresses":"all"}');
    const checked = checkBundle({ 'derived.yaml': text });
    expect(checked.ok ? [] : checked.error.map(problemText)).toEqual([]);
  });

  it('admits every call of the runs that it was derived from', () => {
    const value = fc.oneof(
      fc.constantFrom('a@example.com', 'https://example.com/x', '/user/info', '<PASSWORD>', 'Ann', '', '0047', 'a b'),
      fc.integer(),
      fc.boolean(),
    );
    const args = fc.dictionary(
      fc.constantFrom('to', 'url', 'name', 'n'),
      fc.oneof(value, fc.array(value, { minLength: 1, maxLength: 3 })),
    );
    const call = fc.tuple(fc.constantFrom('send_email', 'read_file', 'move_node', 'get_webpage', 'pay'), args);
    let admitted = 0;
    fc.assert(
      fc.property(fc.array(fc.array(call, { maxLength: 5 }), { minLength: 1, maxLength: 5 }), (all) => {
        const recorded = all.map((calls) => runOf(TASK, calls));
        const lease = deriveLease(recorded);
        for (const run of recorded)
          for (const [i, decision] of decisionsOf(lease, run).entries()) {
            // what looks like a pattern of another language can be in no lease, in a list also not as `like`: it is denied
            const lists = Object.values(run.calls[i]?.attributes ?? {}).filter(Array.isArray);
            if (/</.test(JSON.stringify(run.calls[i])) || lists.flat().includes('/user/info')) continue;
            expect([decision, run.calls[i]]).toEqual(['permit', run.calls[i]]);
            admitted += 1;
          }
      }),
      { numRuns: 60 },
    );
    expect(admitted).toBeGreaterThan(100);
  });
});
