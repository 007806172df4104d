import type { EventItem } from '@bailiwick/client/client';
import type { PersonNames } from '@bailiwick/contracts/people/person-names';
import { StreamNames } from './stream-names';

const ADA = `ref_${'a'.repeat(26)}`;
const BEN = `ref_${'b'.repeat(26)}`;
const by = (ref: string): EventItem => ({ position: 7, actor: { kind: 'person', id: ref }, data: {} }) as never;

describe('StreamNames', () => {
  let now = 0;
  let names: PersonNames;
  let reads = 0;
  const stream = () =>
    new StreamNames(
      () => {
        reads += 1;
        return Promise.resolve(names);
      },
      () => now,
    );
  beforeEach(() => void ((now = 0), (reads = 0), (names = { [ADA]: 'user:ada@example.com' })));
  const nameIn = async (people: StreamNames, ref: string) => (await people.named(by(ref))).actor?.id;

  it('name each person of a stream, and read a name once a minute', async () => {
    const people = stream();
    expect([await nameIn(people, ADA), await nameIn(people, ADA)]).toEqual(Array(2).fill('user:ada@example.com'));
    expect(reads).toBe(1);
    now = 60_000;
    names = { [ADA]: null };
    expect(await nameIn(people, ADA)).toContain('erased person');
  });

  it('leave a ref whose name cannot be read, or that has none, and read nothing for events about no person', async () => {
    const people = stream();
    expect(await nameIn(people, BEN)).toBe(BEN);
    const broken = new StreamNames(() => Promise.reject(new Error('gone')));
    expect(await nameIn(broken, ADA)).toBe(ADA);
    reads = 0;
    await people.named({ position: 8, actor: { kind: 'service', id: 'key:admin' }, data: {} } as never);
    expect(reads).toBe(0);
  });
});
