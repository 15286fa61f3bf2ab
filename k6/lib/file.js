import crypto from 'k6/crypto';

// shifts is how many places in its bytes a chunk may be taken from: a prime,
// so that chunks at different offsets differ, whatever their size.
const shifts = 1048573;

// File is random content of a size in bytes, made of few bytes of memory.
export class File {
  constructor(size, chunkSize) {
    this.size = size;
    this.chunkSize = Math.min(chunkSize, size);
    this.bytes = crypto.randomBytes(this.chunkSize + shifts);
  }

  // end is where the chunk that begins at offset ends.
  end(offset) {
    return Math.min(offset + this.chunkSize, this.size);
  }

  // chunk is the content from offset, which a chunk begins at, to its end.
  chunk(offset) {
    const at = offset % shifts;
    return this.bytes.slice(at, at + this.end(offset) - offset);
  }

  sha256() {
    const hash = crypto.createHash('sha256');
    for (let offset = 0; offset < this.size; offset = this.end(offset)) {
      hash.update(this.chunk(offset));
    }
    return hash.digest('hex');
  }
}
