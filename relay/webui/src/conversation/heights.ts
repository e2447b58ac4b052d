/** Where each row of a long list begins: measured heights where there are some, guesses elsewhere. Pure. */

import type { Row } from "./rows";

/** Heights and offsets of a list of rows, px. A change costs only what comes after it. */
export class Heights {
  private rows: readonly Row[] = [];
  private readonly known = new Map<string, number>();
  /** sums[i] is where row i begins, valid up to `valid`. */
  private sums: number[] = [0];
  private valid = 0;

  constructor(private readonly guess: (row: Row) => number) {}

  get count(): number {
    return this.rows.length;
  }

  /** Take the present rows. */
  set(rows: readonly Row[]): void {
    const before = this.rows;
    if (rows === before) return;
    const most = Math.min(rows.length, before.length, this.valid);
    let same = 0;
    while (same < most && (rows[same] === before[same] || rows[same]?.key === before[same]?.key)) same += 1;
    this.rows = rows;
    this.valid = same;
    this.sums.length = Math.min(this.sums.length, same + 1);
  }

  /** Note how high a row is; true when that was not known. */
  measured(key: string, height: number, index: number): boolean {
    if (this.known.get(key) === height) return false;
    this.known.set(key, height);
    if (index >= 0) {
      this.valid = Math.min(this.valid, index);
      this.sums.length = Math.min(this.sums.length, index + 1);
    }
    return true;
  }

  /** Where row `index` begins. */
  offset(index: number): number {
    const to = Math.min(index, this.rows.length);
    while (this.valid < to) {
      const row = this.rows[this.valid] as Row;
      this.sums[this.valid + 1] = (this.sums[this.valid] as number) + (this.known.get(row.key) ?? this.guess(row));
      this.valid += 1;
    }
    return this.sums[to] as number;
  }

  /** How high all rows are. */
  get total(): number {
    return this.offset(this.rows.length);
  }

  /** The row at `y`; the last when y lies behind all, 0 when before. */
  find(y: number): number {
    void this.total;
    let low = 0;
    let high = Math.max(0, this.rows.length - 1);
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.sums[middle] as number) <= y) low = middle;
      else high = middle - 1;
    }
    return low;
  }
}
