import type { CommandOf } from '@bailiwick/contracts/commands/command';
import type { KeyView, NewKey } from '@bailiwick/contracts/keys/key';
import { Refused } from '../http/problems/problem';
import { IssuedKeys } from './issued-keys';
import { Pseudonyms } from './pseudonyms';
import { ROLES } from './roles';

const PSEUDONYMS = new Pseudonyms(Buffer.alloc(32, 1));

/** The keys of a tenant in a store and a log that are functions. */
function keys(record: (command: CommandOf<'recordKey'>) => Promise<object>, pages: readonly string[][] = []) {
  const sent: [string, unknown][] = [];
  const recorded: CommandOf<'recordKey'>[] = [];
  const logClient = {
    admin: (op: string, body: { keys: NewKey[]; after?: string }) => {
      sent.push([op, body]);
      if (op === 'issue-keys') return Promise.resolve(body.keys.map(viewOf));
      const page = pages.findIndex((each) => each.at(-1) === body.after) + 1;
      return Promise.resolve({ people: pages[page] ?? [], more: page < pages.length - 1 });
    },
    command: (command: CommandOf<'recordKey'>) => {
      recorded.push(command);
      return record(command);
    },
  };
  const held = { isOwn: () => false, refresh: () => Promise.resolve() };
  return { keys: new IssuedKeys(logClient as never, held as never, PSEUDONYMS), sent, recorded };
}

const viewOf = ({ id, name, role }: NewKey): KeyView => ({
  id,
  name,
  role,
  createdAt: '2026-01-01T00:00:00.000Z',
  status: 'active',
});

describe('the keys of a new tenant', () => {
  it('are recorded one by one, in the name of the installation', async () => {
    const { keys: issued, recorded } = keys(() => Promise.resolve({ position: 0 }));
    expect(Object.keys(await issued.addTenant('acme'))).toEqual([...ROLES]);
    expect(recorded.map(({ log, change, name, actor }) => [log, change, name, actor.id])).toEqual(
      ROLES.map((role) => ['acme/0', 'issued', role, 'installation']),
    );
  });

  it.each(['NOT_READY', 'TOO_MANY'] as const)(
    'are returned if the log answers %s: the commands that record them are stored with them',
    async (code) => {
      const { keys: issued, sent, recorded } = keys(() => Promise.reject(new Refused(code, 'later')));
      expect(Object.keys(await issued.addTenant('acme'))).toEqual([...ROLES]);
      expect(recorded).toHaveLength(1); // one wait, not one for each key
      expect(sent).toMatchObject([['issue-keys', { record: { actor: { id: 'installation' } } }]]);
    },
  );

  it('are not returned after another failure', async () => {
    const { keys: issued } = keys(() => Promise.reject(new Refused('FORBIDDEN', 'never')));
    await expect(issued.addTenant('acme')).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});

describe('the name of an erased person', () => {
  it('is removed from their keys in every spelling that is the same person, and from no other', async () => {
    const pages = [
      ['user:bob@example.com', 'user:\u00c9MILE@example.com'],
      ['user:\u00e9mile@example.com', 'user:emile@example.com'],
    ];
    const { keys: issued, sent } = keys(() => Promise.resolve({}), pages);
    await issued.forget('acme', PSEUDONYMS.ref('acme', 'person', 'user:\u00e9mile@example.com'));
    expect(sent.filter(([op]) => op === 'forget-people')).toEqual([
      ['forget-people', { tenant: 'acme', people: ['user:\u00c9MILE@example.com'] }],
      ['forget-people', { tenant: 'acme', people: ['user:\u00e9mile@example.com'] }],
    ]);
  });
});
