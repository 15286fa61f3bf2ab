import { check, fail } from 'k6';
import { Counter, Trend } from 'k6/metrics';

export const begun = new Counter('uploads_begun');
export const committed = new Counter('uploads_committed'); // and read back, equal
export const failed = new Counter('uploads_failed');
export const mismatches = new Counter('content_mismatches'); // read back, not equal
export const wentBack = new Counter('offsets_went_back'); // told less than was told before
export const repeated = new Counter('requests_repeated'); // no answer, or one that asks to come again
export const late = new Counter('chunks_counted_unanswered'); // a repeat was told that the chunk is in
export const troubles = new Counter('troubles'); // made on purpose, by kind
export const accepted = new Counter('accepted_bytes');
export const chunkDuration = new Trend('chunk_duration', true);
export const slowdown = new Trend('chunk_slowdown'); // a chunk's duration over the reference

// thresholds are what must hold in every scenario s are the settings of, and
// its own.
export function thresholds(s, own) {
  return {
    checks: ['rate==1'],
    uploads_committed: ['count>0'],
    uploads_failed: ['count==0'],
    content_mismatches: ['count==0'],
    offsets_went_back: ['count==0'],
    http_req_failed: [`rate<=${s.LOAD_FAILED}`],
    chunk_slowdown: [`p(95)<=${s.LOAD_SLOWDOWN}`],
    ...own,
  };
}

// must ends the file's upload when a check fails: what follows would only be
// noise.
export function must(res, checks) {
  if (!check(res, checks)) {
    fail(`${res.request.method} ${res.request.url}: ${res.status} ${res.error} ${text(res)}`);
  }
}

// text is an answer's body if it is one to read.
function text(res) {
  return typeof res.body === 'string' ? res.body.slice(0, 500) : '';
}
