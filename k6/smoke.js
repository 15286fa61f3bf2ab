// Smoke and load: each virtual user uploads files in chunks of 4 MiB through a
// running chunkgate. Every file meets one interrupted chunk and one offset
// mismatch, resumes both times where the server says, and is committed.
// Settings: README.md here.
import { check, fail } from 'k6';
import exec from 'k6/execution';
import http from 'k6/http';
import { Counter } from 'k6/metrics';

const MiB = 1 << 20;
const chunkBytes = 4 * MiB;

const baseURL = (__ENV.BASE_URL || 'http://127.0.0.1:8080').replace(/\/+$/, '');
const vus = number('LOAD_VUS', 4);
const files = number('LOAD_FILES', 2);
const fileBytes = Math.max(3 * chunkBytes + 1, Math.round(number('LOAD_FILE_MB', 22.5) * MiB));
const cutMillis = number('LOAD_CUT_MS', 1);

const cut = new Counter('chunks_cut'); // interrupted before the answer
const late = new Counter('chunks_cut_but_counted'); // the server had it all by then
const sent = new Counter('accepted_bytes');

export const options = {
  scenarios: {
    upload: { executor: 'per-vu-iterations', vus, iterations: files, maxDuration: __ENV.LOAD_MAX || '10m' },
  },
  thresholds: {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'], // see `ask` for what is expected
    // Every file was committed, and the interruption was not just wished for.
    iterations: [`count==${vus * files}`],
    chunks_cut: ['count>0'],
  },
};

// Fixed bytes, other ones for each virtual user. The answers tell a file's
// size; its content is compared by `make test`, where the store can be read.
const bytes = new Uint8Array(chunkBytes);
for (let i = 0, x = __VU + 1; i < chunkBytes; i++) {
  x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
  bytes[i] = x >>> 24;
}

export default function () {
  const path = `/load/vu ${__VU}/${exec.scenario.startTime}-${__ITER}.bin`;
  let upload = first();

  while (upload.offset < fileBytes) {
    const nth = Math.floor(upload.offset / chunkBytes);
    if (nth === 1 && !upload.interrupted) {
      upload.interrupted = true;
      interrupt(upload);
    }
    if (nth === 2 && !upload.mismatched) {
      upload.mismatched = true;
      mismatch(upload);
    }
    append(upload);
  }
  commit(upload, path);
}

// first opens an upload with its first chunk.
function first() {
  const res = ask('PUT', '/1/chunked_upload', bytes.buffer);
  const answer = parse(res);
  must(res, {
    'first chunk: 200': (r) => r.status === 200,
    'first chunk: upload_id': () => /^[A-Za-z0-9_-]+$/.test(answer.upload_id),
    'first chunk: offset': () => answer.offset === chunkBytes,
  });
  sent.add(chunkBytes);
  return { id: answer.upload_id, offset: answer.offset };
}

// append sends the chunk at the offset. After an interruption the server may
// still finish the chunk that was cut: if it has all of its bytes, that chunk
// counts, and this one meets a 400 that says so.
function append(upload) {
  const size = Math.min(chunkBytes, fileBytes - upload.offset);
  const res = ask('PUT', chunkPath(upload, upload.offset), bytes.buffer.slice(0, size));
  const answer = parse(res);
  const end = upload.offset + size;

  if (res.status === 400 && upload.cutEnd === answer.offset) {
    late.add(1);
  } else {
    must(res, { 'chunk: 200': (r) => r.status === 200 });
  }
  must(res, {
    'chunk: upload_id': () => answer.upload_id === upload.id,
    'chunk: offset': () => answer.offset === end,
  });
  upload.offset = end;
  upload.cutEnd = undefined;
  sent.add(size);
}

// interrupt sends the chunk at the offset and gives up after LOAD_CUT_MS. k6
// cannot stop after a number of bytes; it closes the connection when the time
// is over, mostly in mid-chunk, sometimes between the last byte and the answer,
// and on a fast line the answer may even be there. All three are legal, and the
// chunk is then sent again from its beginning, as the protocol demands.
function interrupt(upload) {
  const size = Math.min(chunkBytes, fileBytes - upload.offset);
  const res = http.request('PUT', baseURL + chunkPath(upload, upload.offset), bytes.buffer.slice(0, size), {
    headers: headers(),
    timeout: cutMillis,
    responseCallback: null, // not a failed request: it is meant to break
    tags: { name: 'interrupted chunk' },
  });
  if (res.status === 0) {
    cut.add(1);
  }
  upload.cutEnd = upload.offset + size;
}

// mismatch sends a chunk one chunk too far on and resumes where the 400 says.
function mismatch(upload) {
  const wrong = upload.offset + chunkBytes;
  const res = ask('PUT', chunkPath(upload, wrong), bytes.buffer);
  const answer = parse(res);
  must(res, {
    'mismatch: 400': (r) => r.status === 400,
    'mismatch: keys in order': () => Object.keys(answer).join() === 'expires,upload_id,offset,error',
    'mismatch: upload_id': () => answer.upload_id === upload.id,
    'mismatch: offset': () => answer.offset === upload.offset,
    'mismatch: text': () =>
      answer.error === `Submitted input out of alignment: got [${wrong}] expected [${upload.offset}]`,
  });
  upload.offset = answer.offset;
}

function commit(upload, path) {
  const escaped = path.split('/').map(encodeURIComponent).join('/');
  const res = ask('POST', `/1/commit_chunked_upload/auto${escaped}`, { upload_id: upload.id, overwrite: 'true' });
  const answer = parse(res);
  must(res, {
    'commit: 200': (r) => r.status === 200,
    'commit: path': () => answer.path === path,
    'commit: bytes': () => answer.bytes === fileBytes,
    'commit: is a file': () => answer.is_dir === false,
  });
}

// ask makes a request whose answer is 200, or 400 on a chunk; anything else
// counts as failed.
function ask(method, path, body) {
  return http.request(method, baseURL + path, body, {
    headers: headers(),
    timeout: __ENV.LOAD_TIMEOUT || '60s',
    responseCallback: http.expectedStatuses(200, 400),
    tags: { name: path.split(/[?]|(?<=commit_chunked_upload)/)[0] },
  });
}

function headers() {
  return __ENV.TOKEN ? { Authorization: `Bearer ${__ENV.TOKEN}` } : {};
}

function chunkPath(upload, offset) {
  return `/1/chunked_upload?upload_id=${upload.id}&offset=${offset}`;
}

function parse(res) {
  try {
    return JSON.parse(res.body) || {};
  } catch {
    return {};
  }
}

// must ends the file's upload when a check fails: what follows would only be
// noise.
function must(res, checks) {
  if (!check(res, checks)) {
    fail(`${res.request.method} ${res.request.url}: ${res.status} ${res.body || res.error}`);
  }
}

function number(name, byDefault) {
  const n = Number(__ENV[name] || byDefault);
  if (!(n > 0)) {
    throw new Error(`${name} is not a positive number: ${__ENV[name]}`);
  }
  return n;
}
