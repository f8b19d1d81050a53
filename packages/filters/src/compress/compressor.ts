/** A body made smaller chunk by chunk, off the event loop. */

import { constants, createBrotliCompress, createGzip, createZstdCompress } from 'node:zlib';
import type { Transform } from 'node:stream';

import type { Encoding } from './accept-encoding.ts';

/** Of what is made for every request anew: a good part of what the best level saves, at a tenth of its cost. */
const gzipLevel = 5;
const brotliQuality = 4;
const zstdLevel = 3;

export class Compressor {
  readonly #stream: Transform;
  #made: Buffer[] = [];
  #failure: Error | undefined;

  constructor(encoding: Encoding) {
    this.#stream = createStream(encoding);
    this.#stream.on('data', (piece: Buffer) => this.#made.push(piece));
    this.#stream.on('error', (error) => {
      this.#failure ??= error;
    });
  }

  /** What has come out so far; undefined: nothing yet. */
  async write(chunk: Uint8Array): Promise<Uint8Array | undefined> {
    await new Promise<void>((resolve, reject) =>
      this.#stream.write(chunk, (error) => (error ? reject(error) : resolve())),
    );
    return this.#take();
  }

  /** The rest. */
  async end(): Promise<Uint8Array | undefined> {
    await new Promise<void>((resolve, reject) => {
      this.#stream.once('end', resolve);
      this.#stream.once('error', reject);
      this.#stream.end();
    });
    return this.#take();
  }

  /** Lets go of its memory. */
  close(): void {
    this.#stream.destroy();
  }

  #take(): Uint8Array | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    const made = this.#made;
    this.#made = [];
    if (made.length <= 1) return made[0];
    return Buffer.concat(made);
  }
}

function createStream(encoding: Encoding): Transform {
  switch (encoding) {
    case 'gzip':
      return createGzip({ level: gzipLevel });
    case 'br':
      return createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: brotliQuality } });
    case 'zstd':
      return createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: zstdLevel } });
  }
}
