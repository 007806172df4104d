/** Shows progress on standard error if it is a terminal, redrawn a few times a second. */
export class Progress {
  private shown = 0;

  constructor(private readonly what: string) {}

  at(count: number, of: number): void {
    const now = performance.now();
    if (!process.stderr.isTTY || now - this.shown < 200) return;
    this.shown = now;
    const share = of === 0 ? 1 : count / of;
    const bar = '#'.repeat(Math.round(share * 30)).padEnd(30, '.');
    process.stderr.write(`\r${this.what} ${bar} ${Math.floor(share * 100)} % (${count} of ${of})`);
  }

  end(): void {
    if (this.shown > 0) process.stderr.write('\r\u001b[K');
  }
}
