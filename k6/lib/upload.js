import crypto from 'k6/crypto';
import { again, answer } from './http.js';
import * as m from './metrics.js';

const { must } = m;

// readSize is how many bytes are read back at once.
const readSize = 8 << 20;

// Upload is one upload of a file by an honest client of the protocol. It knows
// what it is told, repeats what got no answer, and goes on where the server
// says (PROTOCOL 2.2).
export class Upload {
  constructor(caller, file, path, reference) {
    this.caller = caller;
    this.file = file;
    this.path = path;
    this.reference = reference; // ms a chunk takes alone; undefined while that is measured
    this.durations = []; // ms, of the chunks that were answered 200
    this.id = undefined;
    this.offset = 0; // all before it was acknowledged
    this.doubt = false; // the chunk at offset was sent, and may be in
  }

  get done() {
    return this.offset === this.file.size;
  }

  get escapedPath() {
    return this.path.split('/').map(encodeURIComponent).join('/');
  }

  // chunk is the request that sends the chunk at an offset.
  chunk(offset, options, told = offset) {
    const q = this.id ? `?upload_id=${this.id}&offset=${told}` : '';
    return ['PUT', `/1/chunked_upload${q}`, this.file.chunk(offset), options];
  }

  // append sends the chunk at the offset until it is in.
  append() {
    const res = this.caller.insist(
      () => this.caller.ask(...this.chunk(this.offset)),
      (res) => {
        const duration = res.timings.duration;
        if (!this.settle(res)) {
          return false;
        }
        if (res.status === 200) {
          this.took(duration);
        }
        return true;
      },
    );
    must(res, { 'chunk: accepted within LOAD_TRIES': () => !this.doubt });
  }

  took(duration) {
    this.durations.push(duration);
    if (this.reference) {
      m.chunkDuration.add(duration);
      m.slowdown.add(duration / this.reference);
    }
  }

  // settle judges the answer to the chunk at the offset and says whether the
  // chunk is in. One that got no answer may be in, and its repeat then meets a
  // 400 that says so.
  settle(res) {
    if (again(res)) {
      this.doubt = true;
      return false;
    }
    const told = this.told(res);
    const end = this.file.end(this.offset);
    if (res.status === 400 && this.id && this.doubt && told.offset === end) {
      m.late.add(1);
    } else {
      must(res, { 'chunk: 200': (r) => r.status === 200 });
    }
    must(res, { 'chunk: offset': () => told.offset === end });
    m.accepted.add(end - this.offset);
    this.id = told.upload_id;
    this.offset = end;
    this.doubt = false;
    return true;
  }

  // told is what an answer tells of this upload.
  told(res) {
    const told = answer(res);
    must(res, {
      'chunk: upload_id': () => (this.id ? told.upload_id === this.id : /^[A-Za-z0-9_-]+$/.test(told.upload_id)),
    });
    if (told.offset < this.offset) {
      m.wentBack.add(1);
    }
    return told;
  }

  // commit names the path until it is told the file's metadata.
  commit() {
    const form = { upload_id: this.id, overwrite: 'true' };
    const res = this.caller.insist(
      () => this.caller.ask('POST', `/1/commit_chunked_upload/auto${this.escapedPath}`, form),
      (res) => !again(res),
    );
    const made = answer(res);
    must(res, {
      'commit: 200': (r) => r.status === 200,
      'commit: path': () => made.path === this.path,
      'commit: bytes': () => made.bytes === this.file.size,
      'commit: is a file': () => made.is_dir === false,
    });
  }

  // readBack compares what is stored with what was sent.
  readBack() {
    const hash = crypto.createHash('sha256');
    for (let from = 0; from < this.file.size; from += readSize) {
      hash.update(this.read(from, Math.min(from + readSize, this.file.size)));
    }
    const same = hash.digest('hex') === this.file.sha256();
    m.mismatches.add(same ? 0 : 1);
    if (!same) {
      throw new Error(`${this.path} is not what was sent`);
    }
  }

  read(from, to) {
    const params = { responseType: 'binary', headers: { Range: `bytes=${from}-${to - 1}` } };
    const res = this.caller.insist(
      () => this.caller.ask('GET', `/1/files/auto${this.escapedPath}`, null, { params }),
      (res) => !again(res),
    );
    must(res, {
      'read: 206': (r) => r.status === 206,
      'read: range': (r) => r.headers['Content-Range'] === `bytes ${from}-${to - 1}/${this.file.size}`,
      'read: bytes': (r) => r.body?.byteLength === to - from,
    });
    return res.body;
  }

  // remove deletes the file. A repeat may find it gone.
  remove() {
    let tries = 0;
    const res = this.caller.insist(
      () => {
        tries++;
        return this.caller.ask('POST', '/1/fileops/delete', { root: 'auto', path: this.path });
      },
      (res) => !again(res),
    );
    must(res, { 'delete: 200': (r) => r.status === 200 || (r.status === 404 && tries > 1) });
  }
}
