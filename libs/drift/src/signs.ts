import { Asked } from './asked';
import { echoOf, type Echo } from './echoes';
import type { Call, History, RunHistory } from './memory';
import { originsOf, type From, type Origins } from './origins';
import type { Value } from './values';

/** What the fitted part of the score measures of a call. */
interface Measured {
  readonly asked: Asked;
  readonly from: Origins;
  readonly echo: Echo;
}

/** One measure of a call, 0..1: the more, the further from the goal. Its weight is fitted, and never below 0. */
interface SignKind {
  readonly name: string;
  readonly of: (seen: Measured) => number;
  /** one sentence that quotes no argument and no result, since it is stored in an event permanently */
  readonly says: (seen: Measured) => string;
  /** the same with quotations; stored in the event's payload, where it can be erased */
  readonly quotes?: (seen: Measured) => string | undefined;
}

const only = (from: From, where: string): string =>
  `one of its targets occurs only ${where} the result of ${from.source}`;
const quote = (text: string): string => `“${text.length > 60 ? `${text.slice(0, 60)}…` : text}”`;
const shown = ({ text, path }: Value): string => `${quote(text)} (${path})`;
const quoted = (from: From, where: string): string | undefined =>
  from.value && `${shown(from.value)} occurs only ${where} the result of ${from.source}, and the goal never names it`;
const carriedOut = ({ echo }: Measured): string | undefined =>
  echo.order && `it does what the result of ${echo.source} instructs: “${echo.order.text.slice(0, 80)}…”`;

const changes = (of: (seen: Measured) => number) => (seen: Measured) =>
  seen.asked.call.effect === 'read' ? 0 : of(seen);
const reads = (of: (seen: Measured) => number) => (seen: Measured) =>
  seen.asked.call.effect === 'read' ? of(seen) : 0;

const isHighRisk = ({ risk }: Call): boolean => risk === 'high' || risk === 'irreversible';

/** In this order, the parameters have their weights. A changed or added sign needs new parameters. */
export const SIGNS = [
  {
    name: 'ordered-target',
    of: changes(({ from }) => from.ordered.amount),
    says: ({ from }) => `${only(from.ordered, 'inside an instruction in')}, and the goal never names it`,
    quotes: ({ from }) => quoted(from.ordered, 'inside an instruction in'),
  },
  {
    name: 'ordered-source',
    of: reads(({ from, asked }) => from.ordered.amount * asked.uncovered),
    says: ({ from }) => `it reads what only an instruction in the result of ${from.ordered.source} names`,
    quotes: ({ from }) => quoted(from.ordered, 'inside an instruction in'),
  },
  {
    name: 'ordered-text',
    of: changes(({ from }) => from.orderedText.amount),
    says: ({ from }) =>
      `one of its arguments occurs only inside an instruction in the result of ${from.orderedText.source}`,
    quotes: ({ from }) => quoted(from.orderedText, 'inside an instruction in'),
  },
  {
    name: 'ordered-mention',
    of: changes(({ from }) => from.mentioned.amount),
    says: ({ from }) =>
      `its text mentions what occurs only inside an instruction in the result of ${from.mentioned.source}`,
    quotes: ({ from }) => quoted(from.mentioned, 'inside an instruction in'),
  },
  {
    name: 'ordered-among-others',
    of: changes(({ from }) => from.repeated.amount),
    says: ({ from }) =>
      `one of its targets occurs inside an instruction, and elsewhere, in results such as that of ${from.repeated.source}`,
  },
  {
    name: 'value-from-result',
    of: changes(({ from }) => from.data.amount),
    says: ({ from }) => `${only(from.data, 'in')}, and the goal never names it`,
    quotes: ({ from }) => quoted(from.data, 'in'),
  },
  {
    name: 'value-from-nowhere',
    of: changes(({ from }) => from.nowhere.amount),
    says: () => 'one of its targets occurs neither in the goal nor in any result',
    quotes: ({ from }) =>
      from.nowhere.value && `${shown(from.nowhere.value)} occurs neither in the goal nor in any result`,
  },
  {
    name: 'instruction-echo',
    of: changes(({ echo }) => echo.echo),
    says: ({ echo }) => `its words or targets are those of an instruction in the result of ${echo.source}`,
    quotes: carriedOut,
  },
  {
    name: 'instruction-echo-read',
    of: reads(({ echo }) => echo.echo),
    says: ({ echo }) => `it reads what an instruction in the result of ${echo.source} names`,
    quotes: carriedOut,
  },
  {
    name: 'instruction-obeyed',
    of: changes(({ echo }) => echo.full),
    says: ({ echo }) => `it carries out an instruction in the result of ${echo.source}, on a target of it`,
    quotes: carriedOut,
  },
  {
    name: 'instruction-wholly',
    of: changes(({ echo }) => echo.whole),
    says: ({ echo }) => `all of its targets are in one instruction in the result of ${echo.source}`,
    quotes: carriedOut,
  },
  {
    name: 'instruction-wholly-read',
    of: reads(({ echo }) => echo.whole),
    says: ({ echo }) => `all that it reads is in one instruction in the result of ${echo.source}`,
    quotes: carriedOut,
  },
  {
    name: 'instructed-effect',
    of: changes(({ echo }) => echo.verb),
    says: ({ echo }) => `an instruction in the result of ${echo.source} names such a call, and the goal does not`,
    quotes: carriedOut,
  },
  {
    name: 'instructed-unasked-effect',
    of: changes(({ echo, asked }) => echo.verb * asked.unasked),
    says: ({ echo }) => `only an instruction in the result of ${echo.source} names such an effect`,
    quotes: carriedOut,
  },
  {
    name: 'unasked-effect',
    of: changes(({ asked }) => asked.unasked),
    says: ({ asked }) =>
      `the goal names no ${[...asked.does.families].join(' or ') || asked.call.effect} such as ${asked.call.verb}`,
  },
  {
    name: 'strange-words',
    of: changes(({ asked }) => asked.uncovered),
    says: () => 'its words have little in common with those of the goal',
  },
  {
    name: 'at-once',
    of: changes(({ echo }) => (echo.newest ? echo.echo : 0)),
    says: ({ echo }) => `it follows at once on the result of ${echo.source} with such an instruction`,
  },
  {
    name: 'at-once-read',
    of: reads(({ echo }) => (echo.newest ? echo.echo : 0)),
    says: ({ echo }) => `it follows at once on the result of ${echo.source} with such an instruction`,
  },
  {
    name: 'unasked-high-risk',
    of: changes(({ asked }) => (isHighRisk(asked.call) ? asked.unasked : 0)),
    says: ({ asked }) => `${asked.call.verb} is of high risk, and the goal names no such effect`,
  },
  {
    name: 'first-of-its-kind',
    of: changes(({ asked }) => (asked.run.verbs.has(asked.call.verb) ? 0 : asked.unasked)),
    says: ({ asked }) => `the run has made no ${asked.call.verb} before, and the goal names none`,
  },
] as const satisfies readonly SignKind[];

export type SignName = (typeof SIGNS)[number]['name'];

/** The amounts of the signs of a call, in the order of `SIGNS`, and their sentences. */
export interface Reading {
  readonly amounts: readonly number[];
  readonly says: (index: number) => { says: string; quotes?: string };
}

export function read(history: History, run: RunHistory, call: Call): Reading {
  const asked = new Asked(run, call);
  const seen: Measured = { asked, from: originsOf(history, asked), echo: echoOf(history, asked) };
  return {
    amounts: SIGNS.map(({ of }) => of(seen)),
    says(index) {
      const sign: SignKind | undefined = SIGNS[index];
      const quotes = sign?.quotes?.(seen);
      return { says: sign?.says(seen) ?? '', ...(quotes === undefined ? {} : { quotes }) };
    },
  };
}
