/** Reading JSON that came from outside. Every step checks what it finds, and an error names the place.
 *
 *  Takes: what `JSON.parse` gave.  Gives: typed values, or a ProtocolError that says where and what was expected.
 */

/** What the other side sent does not follow the protocol. */
export class ProtocolError extends Error {}

export class Field {
  constructor(
    private readonly value: unknown,
    private readonly at = '',
  ) {}

  /** The member `name`; a missing one is an absent field. */
  get(name: string): Field {
    const members = this.members();
    // own members alone: a name such as "constructor" must not find what every object inherits
    const value = Object.hasOwn(members, name) ? members[name] : undefined;
    return new Field(value, `${this.at}/${name}`);
  }

  /** The element `index` of an array; a missing one is an absent field. */
  item(index: number): Field {
    return new Field(this.elements()[index], `${this.at}/${index}`);
  }

  get absent(): boolean {
    return this.value === undefined || this.value === null;
  }

  text(): string {
    if (typeof this.value !== 'string') throw this.expected('a text');
    return this.value;
  }

  number(): number {
    if (typeof this.value !== 'number' || !Number.isFinite(this.value)) throw this.expected('a number');
    return this.value;
  }

  /** A time, in seconds since 1970: nanoseconds or RFC 3339. */
  time(): number {
    if (typeof this.value === 'number' && Number.isFinite(this.value)) return this.value / 1e9;
    const time = typeof this.value === 'string' ? Date.parse(this.value) : Number.NaN;
    if (Number.isNaN(time)) throw this.expected('a time');
    return time / 1000;
  }

  boolean(): boolean {
    if (typeof this.value !== 'boolean') throw this.expected('true or false');
    return this.value;
  }

  oneOf<const Word extends string>(words: readonly Word[]): Word {
    const found = words.find((word) => word === this.value);
    if (found === undefined) throw this.expected(`one of ${words.join(', ')}`);
    return found;
  }

  /** As it stands, for what only people read. */
  raw(): unknown {
    return this.value;
  }

  /** What `read` makes of the field, or `otherwise` where there is none. */
  or<T, Otherwise>(otherwise: Otherwise, read: (field: Field) => T): T | Otherwise {
    return this.absent ? otherwise : read(this);
  }

  list<T>(read: (field: Field) => T): T[] {
    return this.elements().map((value, index) => read(new Field(value, `${this.at}/${index}`)));
  }

  /** An object used as a table. A Map, since its names come from outside. */
  table<T>(read: (field: Field) => T): Map<string, T> {
    const entries = Object.entries(this.members());
    return new Map(entries.map(([name, value]) => [name, read(new Field(value, `${this.at}/${name}`))]));
  }

  private members(): Record<string, unknown> {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value)) {
      throw this.expected('an object');
    }
    return this.value as Record<string, unknown>;
  }

  private elements(): unknown[] {
    if (!Array.isArray(this.value)) throw this.expected('a list');
    return this.value;
  }

  private expected(what: string): ProtocolError {
    return new ProtocolError(`${this.at === '' ? 'the message' : this.at}: expected ${what}`);
  }
}

/** Parse `text` as JSON, or say that it is none. */
export function parseJson(text: string): Field {
  try {
    return new Field(JSON.parse(text));
  } catch {
    throw new ProtocolError('the message is not JSON');
  }
}
