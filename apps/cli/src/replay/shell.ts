import { emitKeypressEvents } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';
import { bold, dim, plain, treeText } from '../render';
import type { Move, Step, Stepper } from './stepper';

/** key → move */
const KEYS: Readonly<Record<string, Move | 'quit'>> = {
  right: 'next',
  n: 'next',
  space: 'next',
  left: 'back',
  p: 'back',
  d: 'denial',
  r: 'revocation',
  home: 'first',
  g: 'first',
  end: 'last',
  G: 'last',
  q: 'quit',
  escape: 'quit',
  'ctrl-c': 'quit',
};
const HELP = '→ n next · ← p back · d next denial · r next revocation · g first · G last · q quit';

/** Formats a step: its event, its changes, and the tree after it. */
export function stepText({ index, of, event, says, changes, tree }: Step): string {
  return [
    `${bold(`${index + 1}/${of}`)} ${dim(`position ${event.position}  ${event.time}  ${event.type} by ${plain(event.actor.id)}`)}`,
    plain(says),
    ...changes.map((line) => `  ${plain(line)}`),
    ...(tree ? ['', treeText(tree)] : []),
  ].join('\n');
}

/** Formats a step as one line, with its changes below. */
export const stepLine = ({ event, says, changes }: Step): string =>
  [
    `${String(event.position).padStart(7)} ${dim(event.time)} ${plain(says)}`,
    ...changes.map((line) => `          ${plain(line)}`),
  ].join('\n');

/** Moves through the steps by keys until a key quits or the keys end. */
export async function walk(
  stepper: Stepper,
  start: number,
  keys: AsyncIterable<string>,
  draw: (text: string) => void,
): Promise<void> {
  let at = start;
  const show = (note = ''): void => draw(`${stepText(stepper.step(at))}\n\n${dim(HELP)}${note}`);
  show();
  for await (const key of keys) {
    const move = KEYS[key];
    if (move === 'quit') return;
    if (!move) continue;
    const to = stepper.where(at, move);
    const stays = to === at;
    at = to;
    show(
      stays
        ? `\nno ${move === 'next' || move === 'last' ? 'later event' : move === 'back' || move === 'first' ? 'earlier event' : `later ${move}`}`
        : '',
    );
  }
}

/** Yields the keys of a terminal as they are pressed, and restores the terminal at the end. */
export async function* keysOf(input: ReadStream): AsyncGenerator<string> {
  emitKeypressEvents(input);
  const pressed: string[] = [];
  let wake = (): void => undefined;
  const onKey = (_text: string | undefined, key: { name?: string; ctrl?: boolean; shift?: boolean }): void => {
    const name = key.name ?? '';
    pressed.push(key.ctrl ? `ctrl-${name}` : key.shift && name.length === 1 ? name.toUpperCase() : name);
    wake();
  };
  let ended = false;
  const onEnd = (): void => {
    ended = true;
    wake();
  };
  input.on('keypress', onKey);
  input.once('end', onEnd);
  input.setRawMode(true);
  input.resume();
  try {
    for (;;) {
      while (pressed.length > 0) yield pressed.shift() as string;
      if (ended) return;
      await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    input.off('keypress', onKey);
    input.off('end', onEnd);
    input.setRawMode(false);
    input.pause();
  }
}

const CLEAR = '\u001b[H\u001b[2J\u001b[3J';
/** Returns a function that replaces the contents of the terminal. */
export const drawOn =
  (output: WriteStream) =>
  (text: string): void =>
    void output.write(`${CLEAR}${text}\n`);
