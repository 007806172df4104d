import { blocksOf, TONES, type Block, type Layout, type Tone } from './tree-layout';

/** What is visible: the row at the top and how tall a row is, in pixels; columns from `left` on, in pixels. */
export interface View {
  readonly top: number;
  readonly rowPx: number;
  readonly left: number;
}
export interface Size {
  readonly width: number;
  readonly height: number;
}
export interface Colors {
  readonly paper: string;
  readonly ink: string;
  readonly soft: string;
  readonly line: string;
  readonly focus: string;
  readonly font: string;
  readonly of: Readonly<Record<Tone, { readonly fill: string; readonly edge: string }>>;
}
/** The texts of one lease. */
export interface Words {
  readonly name: string;
  readonly more: string;
}

const COLUMN_MIN_PX = 208;
const COLUMN_MAX_PX = 420;
export const MAX_ROW_PX = 44;
const GAP_PX = 4;
/** Lower blocks are put together. */
const SMALLEST_PX = 5;
const TEXT_PX = 13;
const SMALL_TEXT_PX = 18;
const TWO_LINES_PX = 34;

/** Few columns share the width; many keep one that is good to read. */
export const columnPx = (layout: Layout, { width }: Size): number =>
  Math.min(COLUMN_MAX_PX, Math.max(COLUMN_MIN_PX, width / Math.max(1, layout.columns.length)));

/** The tallest rows that show the whole tree, at most as tall as is good to read. */
export const wholeView = (layout: Layout, { height }: Size): View => ({
  top: 0,
  left: 0,
  rowPx: Math.min(MAX_ROW_PX, height / Math.max(1, layout.rows)),
});

/** Whether a view shows the whole tree. */
export const isWhole = (view: View, layout: Layout, size: Size): boolean =>
  view.top === 0 && view.left === 0 && view.rowPx * layout.rows <= size.height + 1;

/** The nearest view that does not leave the tree. */
export function within(view: View, layout: Layout, size: Size): View {
  const least = Math.min(MAX_ROW_PX, size.height / Math.max(1, layout.rows));
  const rowPx = Math.min(MAX_ROW_PX, Math.max(least, view.rowPx));
  const lastTop = Math.max(0, layout.rows - size.height / rowPx);
  const lastLeft = Math.max(0, layout.columns.length * columnPx(layout, size) - size.width);
  return {
    rowPx,
    top: Math.min(lastTop, Math.max(0, view.top)),
    left: Math.min(lastLeft, Math.max(0, view.left)),
  };
}

/** The same picture with other rows, which keeps what is at `atPx` where it is. */
export const zoomed = (view: View, by: number, atPx: number, layout: Layout, size: Size): View => {
  const least = Math.min(MAX_ROW_PX, size.height / Math.max(1, layout.rows));
  const rowPx = Math.min(MAX_ROW_PX, Math.max(least, view.rowPx * by));
  return within({ ...view, rowPx, top: view.top + atPx / view.rowPx - atPx / rowPx }, layout, size);
};

/** The visible blocks of every column. */
export function visible(layout: Layout, view: View, size: Size): Block[] {
  const from = view.top;
  const to = view.top + size.height / view.rowPx;
  const smallest = SMALLEST_PX / view.rowPx;
  const columnWidth = columnPx(layout, size);
  const first = Math.max(0, Math.floor(view.left / columnWidth));
  const end = Math.min(layout.columns.length, Math.ceil((view.left + size.width) / columnWidth));
  const blocks: Block[] = [];
  for (let column = first; column < end; column += 1) blocks.push(...blocksOf(layout, column, from, to, smallest));
  return blocks;
}

/** The block at a point of the picture. */
export function blockAt(layout: Layout, view: View, size: Size, x: number, y: number): Block | undefined {
  const column = Math.floor((x + view.left) / columnPx(layout, size));
  const row = view.top + y / view.rowPx;
  return visible(layout, view, size).find(
    (block) => block.column === column && block.top <= row && row < block.top + block.rows,
  );
}

/** Draws what is visible. */
export function draw(
  canvas: CanvasRenderingContext2D,
  layout: Layout,
  view: View,
  size: Size,
  colors: Colors,
  marked: { readonly chosen: number | undefined; readonly under: Block | undefined },
  words: (lease: number) => Words,
): void {
  canvas.fillStyle = colors.paper;
  canvas.fillRect(0, 0, size.width, size.height);
  canvas.textBaseline = 'middle';
  const step = columnPx(layout, size);
  const width = step - GAP_PX;
  const named: { block: Block; x: number; y: number; height: number }[] = [];
  for (const block of visible(layout, view, size)) {
    const x = block.column * step - view.left;
    const y = (block.top - view.top) * view.rowPx;
    const whole = block.rows * view.rowPx;
    const height = Math.max(1, whole - (whole > SMALLEST_PX * 2 ? 2 : whole >= 4 ? 1 : 0));
    drawBlock(canvas, block, { x, y, width, height }, colors);
    if (block.lease !== undefined && height >= TEXT_PX) named.push({ block, x, y, height });
    if (block.lease !== undefined && block.lease === marked.chosen)
      outline(canvas, colors.focus, { x, y, width, height }, 2);
    else if (block.column === marked.under?.column && block.top === marked.under.top)
      outline(canvas, colors.ink, { x, y, width, height }, 1);
  }
  for (const { block, x, y, height } of named) {
    // the name of a tall lease stays in sight
    const top = Math.max(0, y);
    const seen = Math.min(size.height, y + height) - top;
    if (seen < TEXT_PX) continue;
    const { name, more } = words(block.lease ?? 0);
    const isTwo = seen >= TWO_LINES_PX && more !== '';
    // stacked accents stay in the lease that they belong to
    canvas.save();
    const frame = new Path2D();
    frame.rect(x, top, width, seen);
    canvas.clip(frame);
    const middle = top + Math.min(seen, MAX_ROW_PX) / 2;
    canvas.fillStyle = colors.ink;
    canvas.font = `600 ${seen < SMALL_TEXT_PX ? 11 : 12.5}px ${colors.font}`;
    canvas.fillText(fitted(canvas, name, width), x + 12, isTwo ? middle - 8 : middle);
    if (isTwo) {
      canvas.fillStyle = colors.soft;
      canvas.font = `400 12px ${colors.font}`;
      canvas.fillText(fitted(canvas, more, width), x + 12, middle + 8);
    }
    canvas.restore();
  }
}

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function drawBlock(canvas: CanvasRenderingContext2D, block: Block, box: Box, colors: Colors): void {
  const { x, y, height } = box;
  if (block.lease !== undefined) {
    const tone = TONES[block.tones.findIndex((count) => count > 0)] ?? 'idle';
    canvas.fillStyle = colors.of[tone].fill;
    canvas.fillRect(x, y, box.width, height);
    canvas.fillStyle = colors.of[tone].edge;
    canvas.fillRect(x, y, 4, height);
    return;
  }
  // several leases: how many of them have each tone, as widths
  let left = x;
  for (const [at, tone] of TONES.entries()) {
    const count = block.tones[at] ?? 0;
    if (count === 0) continue;
    const width = Math.max(3, (count / block.count) * box.width);
    canvas.fillStyle = colors.of[tone].edge;
    canvas.globalAlpha = tone === 'good' || tone === 'idle' ? 0.45 : 1;
    canvas.fillRect(left, y, Math.min(width, x + box.width - left), height);
    left += width;
  }
  canvas.globalAlpha = 1;
}

function outline(canvas: CanvasRenderingContext2D, color: string, { x, y, width, height }: Box, line: number): void {
  canvas.strokeStyle = color;
  canvas.lineWidth = line;
  canvas.strokeRect(x + line / 2, y + line / 2, width - line, Math.max(1, height - line));
}

const fits = new Map<string, string>();
const FITS_KEPT = 5_000;

/** As much of a text as fits into a column. */
function fitted(canvas: CanvasRenderingContext2D, text: string, width: number): string {
  const key = `${canvas.font}\n${width}\n${text}`;
  const known = fits.get(key);
  if (known !== undefined) return known;
  const room = width - 22;
  let shown = text;
  if (canvas.measureText(shown).width > room) {
    let length = Math.min(shown.length, 80);
    while (length > 1 && canvas.measureText(`${shown.slice(0, length)}…`).width > room) length -= 1;
    shown = `${shown.slice(0, length)}…`;
  }
  if (fits.size >= FITS_KEPT) fits.clear();
  fits.set(key, shown);
  return shown;
}
