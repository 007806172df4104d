/** Keeps the few largest of many items, each once, by scores that may grow. Of equal ones, the first seen stays. */
export class Largest<T> {
  /** largest first */
  readonly items: { readonly key: string; readonly item: T; readonly score: number }[] = [];

  constructor(private readonly most: number) {}

  offer(key: string, score: number, item: T): void {
    const { items, most } = this;
    if (items.length >= most && score <= (items[items.length - 1] as { score: number }).score) return;
    const known = items.findIndex((each) => each.key === key);
    if (known >= 0) items.splice(known, 1);
    let at = items.length;
    while (at > 0 && (items[at - 1] as { score: number }).score < score) at -= 1;
    items.splice(at, 0, { key, score, item });
    if (items.length > most) items.pop();
  }
}
