// Which commands has the server said to be done? Read out of its byte stream as it passes. A message is one letter,
// four bytes of length, and a body; 'C' is CommandComplete, whose body names the command ("COMMIT", "INSERT 0 1").
// The stream must be read from its beginning, or the first letter is never found again.

const HEADER_BYTES = 5;
const COMMAND_COMPLETE = 'C'.charCodeAt(0);

export class TagReader {
  #header = Buffer.alloc(0);
  #isCommand = false;
  #left = 0;
  #body = Buffer.alloc(0);

  /** The tags of the commands whose message ends in this chunk. */
  read(chunk: Buffer): string[] {
    const tags: string[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#left === 0) {
        const end = at + HEADER_BYTES - this.#header.length;
        this.#header = Buffer.concat([this.#header, chunk.subarray(at, end)]);
        at = Math.min(end, chunk.length);
        if (this.#header.length === HEADER_BYTES) this.#begin();
        continue;
      }
      const part = chunk.subarray(at, at + this.#left);
      at += part.length;
      this.#left -= part.length;
      if (!this.#isCommand) continue;
      this.#body = Buffer.concat([this.#body, part]);
      if (this.#left === 0) tags.push(this.#body.toString('latin1').replace(/\0$/, ''));
    }
    return tags;
  }

  #begin(): void {
    this.#isCommand = this.#header[0] === COMMAND_COMPLETE;
    this.#left = this.#header.readInt32BE(1) - 4; // the length counts itself, not the letter
    this.#header = Buffer.alloc(0);
    this.#body = Buffer.alloc(0);
  }
}
