import type { CommandOf } from '@bailiwick/contracts/commands/command';
import { recordOf } from '@bailiwick/contracts/keys/key-record';
import { eventLogDatabase, query, type EventLogDatabase } from '../../../../test/support/eventlog-database';
import { PostgresKeys } from '@bailiwick/event-store/postgres/keys';
import { LOG, World } from '../testing/world';
import { KeyRecords } from './key-records';

const ID = `key_${'0'.repeat(26)}`;
const RECORD = {
  commandId: 'cmd_00000000-one',
  actor: { kind: 'person', id: `ref_${'a'.repeat(26)}`, role: 'admin' },
  personRef: `ref_${'b'.repeat(26)}`,
} as const;
const KEY = {
  id: ID,
  name: 'ada',
  role: 'analyst',
  person: 'user:ada@example.com',
  digest: `${'A'.repeat(43)}=`,
} as const;

describe('a change of a key whose process died before its event', () => {
  let database: EventLogDatabase;
  let keys: PostgresKeys;
  beforeAll(async () => {
    database = await eventLogDatabase();
    keys = new PostgresKeys(await database.as('delegation'));
  }, 120_000);
  afterAll(async () => {
    await keys.close();
    await database.drop();
  });
  beforeEach(() => query(database.url, 'TRUNCATE key_record, access_key CASCADE'));

  async function started() {
    const { world, owner } = await World.start();
    const warnings: unknown[] = [];
    const ownership = {
      heads: { [LOG]: 0 },
      submit: (_log: string, command: object) => owner.submit(command),
    };
    const records = new KeyRecords(keys, ownership, { warn: (line: unknown) => void warnings.push(line) });
    return { world, owner, records, ownership, warnings };
  }
  const changes = async (world: World) =>
    (await world.events()).flatMap((event) =>
      event.type === 'KeyChanged' ? [[event.data.change, event.actor.id]] : [],
    );

  it('is recorded by the owner of the log, once, with its actor', async () => {
    await keys.issue('default', [KEY], undefined, RECORD);
    expect(await keys.list('default')).toMatchObject([{ id: ID, status: 'active' }]);
    const { world, records } = await started();
    expect(await changes(world)).toEqual([]); // the gap
    await records.sweep();
    await records.sweep();
    expect(await changes(world)).toEqual([['issued', RECORD.actor.id]]);
    expect(await keys.unrecorded([LOG])).toEqual([]);
    expect(JSON.stringify(await world.events())).not.toContain('ada@example.com');
    await world.end();
  });

  it('is one event if the gateway recorded it too, and if the row outlived a crash after the event', async () => {
    const issued = await keys.issue('default', [KEY], undefined, RECORD);
    if (!issued.ok) throw new Error('the key should have been issued');
    const [command] = await keys.unrecorded([LOG]);
    expect(command).toEqual(recordOf('default', RECORD, 'issued', issued.value[0] as never));
    const { world, owner, records } = await started();
    await owner.submit(command);
    await records.sweep();
    expect(await changes(world)).toHaveLength(1);
    await world.end();
  });

  it('waits for the owner of its log, and is not lost if the log refuses it', async () => {
    await keys.issue('default', [KEY], undefined, RECORD);
    await keys.revoke('default', ID, { ...RECORD, commandId: 'cmd_00000000-two' });
    expect(await keys.unrecorded(['other/0'])).toEqual([]);
    const { world, ownership, records, warnings } = await started();
    const { submit } = ownership;
    ownership.submit = () => Promise.resolve({ ok: false, refusal: { code: 'NOT_READY', detail: 'not yet' } });
    await records.sweep();
    expect(await keys.unrecorded([LOG])).toHaveLength(2);
    expect(JSON.stringify(warnings)).not.toContain('ada');
    ownership.submit = submit;
    await records.sweep();
    expect((await changes(world)).map(([change]) => change).sort()).toEqual(['issued', 'revoked']);
    await world.end();
  });

  it('is stored with the keys of a tenant, and with those that they replace', async () => {
    const roles = (n: string) => [{ ...KEY, id: ID.replace(/0$/, n), person: undefined, digest: `${n.repeat(43)}=` }];
    await keys.issue('acme', roles('1'), 'create', RECORD);
    await keys.issue('acme', roles('2'), 'reissue', { ...RECORD, commandId: 'cmd_00000000-two' });
    const stored: CommandOf<'recordKey'>[] = await keys.unrecorded(['acme/0']);
    expect(stored.map(({ change, keyId }) => [change, keyId.slice(-1)]).sort()).toEqual([
      ['issued', '1'],
      ['issued', '2'],
      ['revoked', '1'],
    ]);
  });
});
