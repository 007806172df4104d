import { EFFECTS, MODES } from '@bailiwick/contracts/grants/grant';
import { actions } from './actions';
import { facts, NOW, situation, verdictText, wider } from '../testing/facts';

const limit = (allow: string[], deny: string[] = [], mode: (typeof MODES)[number] = 'execute') => ({
  allow,
  deny,
  mode,
});
const ask = (of: ReturnType<typeof limit>, verb: string, effect: (typeof EFFECTS)[number] = 'read') =>
  verdictText(actions.admits(of, facts({ verb, effect }), situation(), NOW));

describe('actions', () => {
  it.each([
    [limit(['repo.*']), 'repo.read', 'permit'],
    [limit(['repo.*']), 'repo.branch.create', 'permit'],
    [limit(['repo.*']), 'file.read', 'deny ACTION_NOT_ALLOWED'],
    [limit([]), 'file.read', 'deny ACTION_NOT_ALLOWED'],
    [limit(['*'], ['production.*']), 'production.db.drop', 'deny ACTION_DENIED'],
    [limit(['production.read'], ['production.*']), 'production.read', 'deny ACTION_DENIED'],
    [limit(['*'], ['**']), 'file.read', 'deny ACTION_DENIED'],
  ])('%j on %s: %s', (of, verb, verdict) => {
    expect(ask(of, verb)).toBe(verdict);
  });

  it.each([
    ['draft', 'permit', 'deny MODE_TOO_LOW'],
    ['propose', 'permit', 'step-up MODE_PROPOSES'],
    ['execute', 'permit', 'permit'],
    ['forged', 'deny MODE_TOO_LOW', 'deny MODE_TOO_LOW'],
  ] as const)('in mode %s answers a read with %s and any other action with %s', (mode, read, other) => {
    for (const effect of EFFECTS)
      expect(ask(limit(['*'], [], mode as 'draft'), 'x.y', effect)).toBe(effect === 'read' ? read : other);
  });

  it.each([
    [limit(['repo.*'], ['secret.*']), []],
    [limit(['repo.read', 'repo.branch.**'], ['secret.**', 'x.*']), []],
    [limit(['repo.*', 'file.read'], ['secret.*']), ['actions.allow']],
    [limit(['*'], ['secret.*']), ['actions.allow']],
    [limit(['repo.*']), ['actions.deny']],
    [limit(['repo.*'], ['secret.read']), ['actions.deny']],
    [limit(['repo.*'], ['SECRET.*']), ['actions.deny']], // forged: matches nothing
    [limit(['repo.*'], ['secret*']), ['actions.deny']], // forged: matches nothing
    [limit(['repo'], ['secret.*']), ['actions.allow']],
    [limit([], ['secret.*']), []],
    [limit(['repo.*'], ['secret.*'], 'draft'), []],
  ])('%j is wider than repo.* without secret.* at %j', (child, paths) => {
    expect(wider(actions.attenuates(child, limit(['repo.*'], ['secret.*'])))).toEqual(paths);
  });

  it('orders the modes: draft < propose < execute', () => {
    for (const [i, child] of MODES.entries()) {
      for (const [j, parent] of MODES.entries()) {
        const paths = wider(actions.attenuates(limit(['*'], [], child), limit(['*'], [], parent)));
        expect(paths).toEqual(i <= j ? [] : ['actions.mode']);
      }
    }
  });

  it('considers a denial kept if several denials of the child cover it', () => {
    expect(wider(actions.attenuates(limit([], ['a', 'a.*']), limit([], ['a.**'])))).toEqual([]);
  });

  it('meets in the verbs that both allow and in all denials', () => {
    expect(
      actions.meet(limit(['repo.*', 'file.read'], ['x']), limit(['repo.read', 'file.*'], ['y'], 'propose')),
    ).toEqual(limit(['file.read', 'repo.read'], ['x', 'y'], 'propose'));
  });

  it('keeps its evidence short whatever the lists contain', () => {
    const long = Array.from({ length: 64 }, (_, i) => `${'a'.repeat(100)}${i}.x`);
    expect(JSON.stringify(actions.admits(limit(long), facts(), situation(), NOW)).length).toBeLessThan(4_000);
    expect(JSON.stringify(actions.attenuates(limit(long), limit(['b'], long))).length).toBeLessThan(8_000);
  });

  it('compares the largest lists it may be given', () => {
    const most = (n: number) => Array.from({ length: 64 }, (_, i) => `service${i + n}.part${i}.*`);
    expect(wider(actions.attenuates(limit(most(0), most(0)), limit(most(0).reverse(), most(0))))).toEqual([]);
    expect(
      wider(
        actions.attenuates(
          limit(
            most(0).map((each) => `${each}.read`),
            most(0),
          ),
          limit(most(0), most(0)),
        ),
      ),
    ).toEqual([]);
  });

  it('has a human-readable description', () => {
    expect(actions.describe(limit(['repo.*'], ['secret.*'], 'propose'))).toBe(
      'may use repo.*, to read, to draft and to propose; a person decides about all else; never secret.*',
    );
    expect(actions.describe(limit([], [], 'draft'))).toBe('may use nothing, only to read and to draft');
    expect(actions.describe(limit([], [], 'draft'), false)).toBe('may use nothing, only to read');
  });
});
