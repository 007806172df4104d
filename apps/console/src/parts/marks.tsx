import type { ReactNode } from 'react';
import {
  Ban,
  Check,
  CircleDashed,
  CircleDot,
  CircleHelp,
  CircleSlash,
  Flame,
  Hourglass,
  Pause,
  ShieldAlert,
  TriangleAlert,
  type LucideIcon,
} from 'lucide-react';
import { costText } from '@bailiwick/core/money';
import { T } from '../texts';

type Tone = 'good' | 'wait' | 'bad' | 'idle';
const LOOK: Readonly<Record<string, readonly [Tone, LucideIcon]>> = {
  active: ['good', CircleDot],
  permitted: ['good', Check],
  approved: ['good', Check],
  used: ['good', Check],
  pending: ['wait', Hourglass],
  'stepped-up': ['wait', CircleHelp],
  suspended: ['wait', Pause],
  exhausted: ['idle', CircleSlash],
  completed: ['idle', Check],
  expired: ['idle', CircleDashed],
  superseded: ['idle', CircleDashed],
  abandoned: ['wait', CircleDashed],
  failed: ['bad', TriangleAlert],
  revoked: ['bad', Ban],
  refused: ['bad', Ban],
  denied: ['bad', Ban],
};

/** A status as a word with a sign: color is never the only difference. */
export function Status({ of }: { of: string }): ReactNode {
  const [tone, Icon] = LOOK[of] ?? ['idle', CircleDashed];
  return (
    <span className={`tag tag-${tone}`}>
      <Icon aria-hidden size={13} strokeWidth={2.4} />
      {T.status[of] ?? of}
    </span>
  );
}

const RISK: Readonly<Record<string, readonly [Tone, LucideIcon]>> = {
  low: ['idle', CircleDot],
  medium: ['wait', ShieldAlert],
  high: ['bad', TriangleAlert],
  irreversible: ['bad', Flame],
};
export function Risk({ tier }: { tier: string }): ReactNode {
  const [tone, Icon] = RISK[tier] ?? ['idle', CircleDot];
  return (
    <span className={`tag tag-${tone} ${tier === 'irreversible' ? 'tag-solid' : ''}`}>
      <Icon aria-hidden size={13} strokeWidth={2.4} />
      {T.risk[tier] ?? tier}
    </span>
  );
}

/** How much of a cap is used. Reserved amounts count as used. */
export function Meter({
  used,
  cap,
  label,
  text,
}: {
  used: number;
  cap: number;
  label: string;
  text?: string;
}): ReactNode {
  const share = cap === 0 ? (used > 0 ? 1 : 0) : Math.min(1, used / cap);
  const tone = share >= 1 ? 'bad' : share >= 0.8 ? 'wait' : 'good';
  return (
    <span className="meter" title={`${label}: ${text ?? `${used} / ${cap}`}`}>
      <span
        className="meter-track"
        role="meter"
        aria-label={label}
        aria-valuemin={0}
        aria-valuemax={cap}
        aria-valuenow={Math.min(used, cap)}
        aria-valuetext={text ?? `${used} / ${cap}`}
      >
        <span className={`meter-fill meter-${tone}`} style={{ width: `${share * 100}%` }} />
      </span>
      <span className="num">{text ?? `${used}/${cap}`}</span>
    </span>
  );
}

/** Drift from 0 to 1, as a number and a place on a scale. */
export function Drift({ value, words = false }: { value: number | undefined; words?: boolean }): ReactNode {
  if (value === undefined) return <span className="muted">{T.drift.none}</span>;
  const tone = value >= 0.6 ? 'bad' : value >= 0.3 ? 'wait' : 'good';
  return (
    <span className="drift" title={T.drift.words(value)}>
      <span className="drift-scale" aria-hidden>
        <span className={`drift-dot drift-${tone}`} style={{ left: `${Math.min(1, value) * 100}%` }} />
      </span>
      <span className="num">{value.toFixed(2)}</span>
      {words && <span className="muted">{T.drift.words(value)}</span>}
    </span>
  );
}

export const costs = (cost: Readonly<Record<string, number>> | undefined, none = '–'): string =>
  costText(cost ?? {}, none);

/** An id: its end distinguishes ids, the whole is its title and what is copied. */
export function Id({ children }: { children: string | undefined }): ReactNode {
  if (children === undefined) return null;
  return (
    <code className="id" title={children}>
      {children.length > 18 ? `${children.slice(0, 4)}…${children.slice(-6)}` : children}
    </code>
  );
}
