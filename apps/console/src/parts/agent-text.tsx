import type { ReactNode } from 'react';

/** Characters that change how others are shown, or that are not shown: controls, directions, joiners, tags. */
const INVISIBLE =
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb]|\u{e0000}|[\u{e0001}-\u{e0fff}]/u;
const SPLIT = new RegExp(`(${INVISIBLE.source})`, 'u');

/**
 * A text that an agent, a person or a tool wrote, as text: nothing in it is interpreted, and each character that would be
 * invisible, or would reorder its neighbors, is shown by its code point. `isolate` keeps its direction to itself.
 */
export function AgentText({ children }: { children: string | number | null | undefined }): ReactNode {
  if (children === null || children === undefined) return null;
  const parts = String(children).split(SPLIT);
  if (parts.length === 1) return <bdi className="agent-text">{parts[0]}</bdi>;
  return (
    <bdi className="agent-text">
      {parts.map((part, at) => (at % 2 === 0 ? part : <ControlMark key={at} character={part} />))}
    </bdi>
  );
}

const codeOf = (character: string): string =>
  `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;

/** The same for what takes no elements, such as a drawing or an option: each of these characters as its code point. */
export const visibleText = (text: string): string =>
  text
    .split(SPLIT)
    .map((part, at) => (at % 2 === 0 ? part : `[${codeOf(part)}]`))
    .join('');

function ControlMark({ character }: { character: string }): ReactNode {
  const code = codeOf(character);
  return (
    <span className="control-mark" title={code}>
      {code}
    </span>
  );
}

/** JSON of an agent, indented; each invisible character is marked. */
export function AgentJson({ value }: { value: unknown }): ReactNode {
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  return (
    <pre className="json" tabIndex={0}>
      <AgentText>{text}</AgentText>
    </pre>
  );
}
