/** A bounded table of rows in order of time, in the chart's column order: column 0 is time, NaN is "nothing here".
 *
 *  Rows live in one Float64Array per column, twice as long as the capacity: rows are appended behind each other, and
 *  when the end is reached the newest `capacity` rows move to the front. So the rows are always contiguous, and the
 *  chart gets views without a copy. An estimate and a sample of other times are rows of their own.
 *
 *  Takes: values with their times, mostly newest last.  Gives: views, oldest first, each time once.
 */
export class Ring {
  readonly width: number;
  readonly capacity: number;
  /** Changes with every change of the content, so that a chart need not draw what it has drawn. */
  version = 0;
  /** Changes when the past does: with a row that is not the newest, and when all are gone. */
  disorder = 0;
  private readonly columns: Float64Array[];
  private start = 0;
  private end = 0;

  constructor(width: number, capacity: number) {
    this.width = width;
    this.capacity = capacity;
    this.columns = Array.from({ length: width }, () => new Float64Array(capacity * 2));
  }

  get length(): number {
    return this.end - this.start;
  }

  /** The oldest time, or NaN while there is none. */
  get oldest(): number {
    return this.length === 0 ? Number.NaN : this.at(0, 0);
  }

  /** The newest time, or NaN while there is none. */
  get newest(): number {
    return this.length === 0 ? Number.NaN : this.at(0, this.length - 1);
  }

  at(column: number, row: number): number {
    return this.column(column)[this.start + row] ?? Number.NaN;
  }

  /** Set `column` at `time`. A time that is older than a full ring reaches back to is dropped. */
  put(time: number, column: number, value: number): void {
    const row = this.search(time);
    if (time < this.newest) this.disorder++;
    if (row < this.length && this.at(0, row) === time) {
      this.column(column)[this.start + row] = value;
    } else {
      const inserted = this.insert(row, time);
      if (inserted === null) return;
      this.column(column)[inserted] = value;
    }
    this.version++;
  }

  /** The first row that is not before `time`; the length if there is none. */
  search(time: number): number {
    const times = this.column(0);
    // most rows come in order, and then the answer is the end
    if (this.length === 0 || time > this.newest) return this.length;
    let low = this.start;
    let high = this.end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((times[middle] ?? Number.NaN) < time) low = middle + 1;
      else high = middle;
    }
    return low - this.start;
  }

  /** The last row up to `time` with a value in `column`, or -1. */
  before(time: number, column: number): number {
    let row = this.search(time);
    if (row === this.length || this.at(0, row) > time) row--;
    while (row >= 0 && Number.isNaN(this.at(column, row))) row--;
    return row;
  }

  /** The row nearest to `time` with a value in `column`, or -1. */
  nearest(time: number, column: number): number {
    const before = this.before(time, column);
    let after = this.search(time);
    while (after < this.length && Number.isNaN(this.at(column, after))) after++;
    if (after >= this.length) return before;
    if (before < 0) return after;
    return time - this.at(0, before) <= this.at(0, after) - time ? before : after;
  }

  /** Every column from oldest to newest: borrowed, valid until the next `put` or `clear`. */
  view(): Float64Array[] {
    return this.columns.map((column) => column.subarray(this.start, this.end));
  }

  clear(): void {
    this.start = 0;
    this.end = 0;
    this.version++;
    this.disorder++;
  }

  /** Make room for a row in front of `row`; the index in the columns, or null where it is too old to keep. */
  private insert(row: number, time: number): number | null {
    let place = row;
    if (this.length === this.capacity) {
      if (row === 0) return null;
      this.start++;
      place--;
    }
    if (this.end === this.capacity * 2) this.compact();

    const index = this.start + place;
    for (const column of this.columns) {
      column.copyWithin(index + 1, index, this.end);
      column[index] = Number.NaN;
    }
    this.column(0)[index] = time;
    this.end++;
    return index;
  }

  private compact(): void {
    for (const column of this.columns) column.copyWithin(0, this.start, this.end);
    this.end -= this.start;
    this.start = 0;
  }

  private column(index: number): Float64Array {
    const column = this.columns[index];
    if (column === undefined) throw new RangeError(`a ring of ${this.width} columns has no column ${index}`);
    return column;
  }
}
