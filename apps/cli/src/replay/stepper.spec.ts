import { PassThrough } from 'node:stream';
import type { ReadStream } from 'node:tty';
import type { PersonNames } from '@bailiwick/contracts/people/person-names';
import { SealedLog } from '@bailiwick/receipts/testing/sealed-log';
import { act, ROOMY } from '@bailiwick/authority/testing/harness';
import { keysOf, stepLine, stepText, walk } from './shell';
import { Stepper } from './stepper';

/** A tree with denials and a revoked child; a run of another tree acts among its events. */
function story(): { stepper: Stepper; log: SealedLog; grantId: string; child: string } {
  const log = new SealedLog();
  const { grantId, treeId } = log.open({ ...ROOMY, actions: { allow: ['file.*'] } });
  const other = log.open();
  const child = log.child(grantId).grantId;
  act(log, other.grantId, 'file.read');
  act(log, child, 'file.read', { cost: { USD: 5 } });
  act(log, grantId, 'email.send');
  log.strike({ agentClass: 'helper' });
  act(log, child, 'file.read');
  const all = log.entries().map(({ event, payload }) => ({ event, payload: payload ?? undefined }));
  const events = all.filter(({ event }) => event.treeId === treeId || event.treeId === undefined);
  return { stepper: new Stepper(treeId, events), log, grantId, child };
}
const types = (stepper: Stepper): string[] =>
  Array.from({ length: stepper.length }, (_, i) => stepper.step(i).event.type);

describe('Stepper', () => {
  it('presents the events of the tree and the rules of the log, each with its changes', () => {
    const { stepper, grantId, child } = story();
    expect(types(stepper)).toEqual([
      'RunOpened',
      'GrantIssued',
      'RunOpened',
      'GrantIssued',
      'ActionPermitted',
      'ActionDenied',
      'RevocationRuleAdded',
      'ActionDenied',
    ]);
    expect(stepper.step(4).says).toContain('permitted: file.read');
    // the parent is charged for the child's action too
    expect(stepper.step(4).changes).toEqual(
      expect.arrayContaining([
        `lease ${grantId} calls: 1`,
        `lease ${child} calls: 1`,
        `lease ${child} reserved USD: 0.05 USD`,
      ]),
    );
    expect(stepper.step(5).changes).toEqual([]);
    expect(stepper.step(6).changes).toEqual(expect.arrayContaining([`lease ${child}: active → revoked`]));
    expect(stepper.step(6).changes.join()).not.toContain(grantId);
  });

  it('names the people who acted, for readers that may see names', () => {
    const ref = `ref_${'a'.repeat(26)}`;
    const log = new SealedLog();
    const { treeId } = log.open();
    const [opened] = log.entries().map(({ event }) => event);
    const event = { ...opened, actor: { kind: 'person', id: ref } } as never;
    const at = (names?: PersonNames) => new Stepper(treeId, [{ event, payload: undefined }], names).step(0);
    expect(stepText(at({ [ref]: 'user:ada@example.com' }))).toContain('RunOpened by user:ada@example.com');
    expect(stepText(at())).toContain(`RunOpened by ${ref}`);
  });

  it('yields the same steps backwards and forwards', () => {
    const { stepper } = story();
    const forwards = Array.from({ length: stepper.length }, (_, i) => stepper.step(i));
    const backwards = Array.from({ length: stepper.length }, (_, i) => stepper.step(stepper.length - 1 - i));
    expect(backwards.reverse()).toEqual(forwards);
  });

  it('moves to the next denial or revocation, and stays if there is none', () => {
    const { stepper, log } = story();
    expect(stepper.where(0, 'denial')).toBe(5);
    expect(stepper.where(5, 'denial')).toBe(7);
    expect(stepper.where(7, 'denial')).toBe(7);
    expect(stepper.where(0, 'revocation')).toBe(6);
    expect([
      stepper.where(3, 'first'),
      stepper.where(3, 'last'),
      stepper.where(0, 'back'),
      stepper.where(7, 'next'),
    ]).toEqual([0, 7, 0, 7]);
    const denied = stepper.step(5).event.position;
    expect(stepper.notAfter({ position: denied })).toBe(5);
    expect(stepper.notAfter({ time: log.now - 1 })).toBe(0);
    expect(stepper.notBefore(denied + 1)).toBe(6);
  });
});

describe('the replay shell', () => {
  it('moves by keys, shows each step, and restores the terminal', async () => {
    const { stepper } = story();
    const raw: boolean[] = [];
    const input = Object.assign(new PassThrough(), {
      setRawMode: (on: boolean) => raw.push(on),
    }) as unknown as ReadStream;
    const drawn: string[] = [];
    const walked = walk(stepper, 0, keysOf(input), (text) => drawn.push(text));
    (input as unknown as PassThrough).write('n\u001b[C\u001b[Ddrr\u0047gq');
    await walked;
    // n → ← d r r G g q
    const at = drawn.map((text) => Number(/(\d+)\/8/.exec(text)?.[1]) - 1);
    expect(at).toEqual([0, 1, 2, 1, 5, 6, 6, 7, 0]);
    expect(drawn[6]).toContain('no later revocation');
    expect(raw).toEqual([true, false]);
  });

  it('removes control sequences from outside text', () => {
    const { stepper } = story();
    const step = { ...stepper.step(0), says: 'a\u001b[2Jb', changes: ['c\u001b]0;d'] };
    expect(stepLine(step)).not.toMatch(/\u001b\[2J|\u001b\]0/);
  });
});
