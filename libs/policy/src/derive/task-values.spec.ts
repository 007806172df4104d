import { runOf } from '../testing/recorded-runs';
import { asRunOf, shapeOfTask } from './task-values';

const MINE = "Pay 120 to DE89370400440532013000 for 'the rent', then write to ann@example.com.";
const OTHER = "Pay 2500 to US133000000121212121212 for 'the car', then write to bob@example.com.";

describe('the shape of a task', () => {
  it('has a place for each address, number and quoted text, in order', () => {
    expect(shapeOfTask(MINE).shape).toBe("pay {number} to {address} for '{text}', then write to {address}.");
    expect(shapeOfTask(MINE).values).toEqual(['120', 'DE89370400440532013000', 'the rent', 'ann@example.com']);
    expect(shapeOfTask(OTHER).shape).toBe(shapeOfTask(MINE).shape);
  });

  it('takes no apostrophe in a word for a quotation mark', () => {
    expect(shapeOfTask("It's at the dogs' home").values).toEqual([]);
  });
});

describe('a run as a run of another task', () => {
  const run = runOf(OTHER, [
    ['send_money', { recipient: 'US133000000121212121212', amount: 2500, subject: 'the car', date: '2024-01-01' }],
    ['send_email', { recipients: ['Bob@example.com', 'eve@example.com'] }],
  ]);

  it('has the values of the other task where its task named them, and none that its task named', () => {
    const [pay, mail] = asRunOf(MINE, run)?.calls ?? [];
    expect(pay?.attributes).toMatchObject({
      ...{ recipient: 'DE89370400440532013000', amount: 120, subject: 'the rent', date: '2024-01-01' },
      'addresses-in-arguments': ['DE89370400440532013000'],
    });
    expect(mail?.attributes.recipients).toEqual(['ann@example.com', 'eve@example.com']);
    expect(JSON.stringify(asRunOf(MINE, run))).not.toMatch(/US133|the car|bob@/i);
  });

  it('is the same run for the same task', () => {
    expect(asRunOf(OTHER, run)).toBe(run);
  });

  it.each([
    ['says something else', 'Pay 120 to DE89370400440532013000.'],
    ['names an address where the other names a number', OTHER.replace('2500', 'carol@example.com')],
  ])('is none if the task %s', (_, task) => {
    expect(asRunOf(task, run)).toBeUndefined();
  });

  it.each([
    ['cost', { cost: { EUR: 250_000 } }],
    ['units', { units: { tokens: 2500 } }],
  ])('is none if it has %s and the tasks name other amounts or subjects', (_, spent) => {
    const spending = (task: string) => {
      const of = runOf(task, [['send_money', { recipient: 'US133000000121212121212', amount: 2500 }]]);
      return { ...of, calls: of.calls.map((call) => ({ ...call, ...spent })) };
    };
    expect(asRunOf(MINE, spending(OTHER))).toBeUndefined();
    expect(asRunOf("Buy 'the lamp'", spending("Buy 'the house'"))).toBeUndefined();
    expect(asRunOf('Pay $120 to Ann', spending('Pay $2500 to Ann'))).toBeUndefined();
    const same = asRunOf('Pay 2500 to DE89370400440532013000', spending('Pay 2500 to US133000000121212121212'));
    expect(same?.calls[0]).toMatchObject({ ...spent, attributes: { recipient: 'DE89370400440532013000' } });
  });

  it('is none if a value is too short to be recognized in calls, or stands for two', () => {
    expect(asRunOf('Delete 12 files', runOf('Delete 10 files', []))).toBeUndefined();
    expect(asRunOf('From 100 to 300', runOf('From 200 to 200', []))).toBeUndefined();
  });
});
